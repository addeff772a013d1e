"""Whole releases for Triton's own backends."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from rich.progress import Progress

from deploy.errors import WrongServer
from deploy.probe import read_probes
from deploy.server import Server
from deploy.store import find_release
from ensemble.release import Manifest, manifest_path
from export.configs import read_config
from export.order import Order
from export.release import make_release
from tests.export.native_server import native_server


def make(shop: Path, store: Path, towers: Path, target: str, device: str = "") -> Manifest:
    order = Order(str(shop), store, towers, target=target, device=device, precision="fp32")
    return make_release(order, Progress(disable=True))


@pytest.fixture(scope="module")
def native(shop: Path, towers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one release for ``onnxruntime``; not to be changed."""
    store = tmp_path_factory.mktemp("native") / "var"
    make(shop, store, towers, "onnxruntime")
    return store


def test_a_native_release_is_whole_and_answers_what_it_knows(native: Path, tmp_path: Path) -> None:
    manifest = Manifest.load(manifest_path(native, 1))
    assert (manifest.target, manifest.notes) == ("onnxruntime", ())
    assert manifest.damaged(native) == ()
    assert "releases/0001/tritonserver.flags" in manifest.outputs
    assert not [name for name in manifest.outputs if name.endswith("_tower/1/model.py")]
    release = find_release(native)
    flags = (release.folder / "tritonserver.flags").read_text().splitlines()
    with native_server(release.models, tmp_path / "log", flags, stand_in=True) as server:
        server.wait_ready()
        for probe in read_probes(release.probe):
            probe.send(server.control, 30.0)


def test_the_embedded_server_refuses_it(native: Path) -> None:
    with pytest.raises(WrongServer, match="made for the target `onnxruntime`"):
        Server(native).start()


def test_releases_of_two_targets_stand_alone_and_those_of_one_side_by_side(
    native: Path, shop: Path, towers: Path, tmp_path: Path
) -> None:
    store = Path(shutil.copytree(native, tmp_path / "var"))
    assert make(shop, store, towers, "onnxruntime", "gpu").notes == ()
    assert _versions(store, "text_tower") == [1, 2]
    (note,) = make(shop, store, towers, "cpu").notes
    assert "text_tower, vision_tower" in note
    assert _versions(store, "text_tower") == _versions(store, "retrieve") == [3]
    assert Manifest.load(manifest_path(store, 1)).damaged(store) == ()


def _versions(store: Path, model: str) -> list[int]:
    return list(read_config(store / "models" / model / "config.pbtxt").version_policy.specific.versions)
