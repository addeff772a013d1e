"""Process 1 over a real release: text, pictures and an index."""

from __future__ import annotations

from pathlib import Path

from deploy.probe import read_probes
from deploy.store import find_release
from tests.deploy.container.running import Container
from tests.living.conftest import make, released, shop, sources, towers

__all__ = ["make", "released", "shop", "sources", "towers"]


def test_every_probe_of_a_release_is_answered_from_a_store_that_is_not_written_to(
    released: Path, tmp_path: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in released.rglob("*")}
    container = Container(released, tmp_path)
    try:
        container.wait_ready()
        probes = read_probes(find_release(released).probe)
        assert {"search_text", "search_image"} <= {probe.model for probe in probes}
        for probe in probes:
            container.asking.probe(probe, 20.0)
    finally:
        container.kill()
    assert {path: path.stat().st_mtime_ns for path in released.rglob("*")} == before
