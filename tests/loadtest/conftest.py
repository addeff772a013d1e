"""A tiny release with a catalogue of its own on a real server, and a mix of all kinds of requests for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.server import Server
from loadtest.traffic.recommending import RECOMMENDATIONS
from loadtest.traffic.requests import Traffic
from tests.export.conftest import Make, make, shop, sources, towers

__all__ = ["make", "shop", "sources", "towers"]

RECOMMENDING = {kind.name for kind in RECOMMENDATIONS}
MIX = """
seed = 3
ranks = ["similarity - 0.001 * fill(price, 0)"]

[files]
catalogue = "{catalogue}"
pictures = "{pictures}"

[kinds.text]
[kinds.title]
distinct = 16
[kinds.photo]
distinct = 40
[kinds.weighted]
distinct = 20
[kinds.filtered]
distinct = 60
k = 5
[kinds.ranked]
rows = 3
distinct = 50

[writes.patch]
distinct = 20
[writes.upsert]
distinct = 20
"""


@pytest.fixture(scope="session")
def mix_file(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mix file over the tiny shop."""
    path = tmp_path_factory.mktemp("mix") / "mix.toml"
    path.write_text(MIX.format(catalogue=shop, pictures=shop.parent / "images"))
    return path


@pytest.fixture(scope="session")
def recommending(mix_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Traffic:
    """All kinds of recommendations over the tiny shop, two questions a request."""
    files = mix_file.read_text().split("[kinds.text]")[0]
    path = tmp_path_factory.mktemp("recommend") / "mix.toml"
    path.write_text(files + "".join(f"[kinds.{name}]\nrows = 2\ndistinct = 40\nk = 4\n" for name in RECOMMENDING))
    return Traffic.read(path)


@pytest.fixture(scope="session")
def server(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The tiny release, served."""
    folder = tmp_path_factory.mktemp("loadtest") / "var"
    make(folder)
    with Server(folder) as running:
        yield running
