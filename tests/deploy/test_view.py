"""What a server shows to Triton, and that releases made meanwhile do not reach it."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from deploy.errors import UnusableRelease
from deploy.server import Server
from deploy.store import find_release
from deploy.stubs import stubs_of
from deploy.view import lay_out_models
from tests.deploy.conftest import FAST, Ask, connect, search, wait_for
from tests.deploy.shop import write_release


@pytest.mark.parametrize(("versions", "linked"), [((1, 2), {"1", "2"}), ((2,), {"2"})])
def test_the_versions_that_the_release_names_are_linked(
    store: Path, tmp_path: Path, versions: tuple[int, ...], linked: set[str]
) -> None:
    write_release(store, 2, versions=versions, ids=["r5", "s5"])
    view = tmp_path / "view"
    lay_out_models(find_release(store), view)
    assert {path.name for path in view.iterdir()} == {"length", "rank", "search_text"}
    assert {path.name for path in (view / "rank").iterdir()} == linked | {"config.pbtxt"}
    assert (view / "rank" / "2").resolve() == store / "models" / "rank" / "2"
    assert list((view / "search_text" / "1").iterdir()) == []
    own = store / "releases" / "0002" / "models" / "rank" / "config.pbtxt"
    assert (view / "rank" / "config.pbtxt").read_text() == own.read_text()
    shutil.rmtree(view)
    assert (store / "models" / "rank" / "2" / "model.py").is_file()


def test_a_model_that_searches_elsewhere_is_not_warmed_up(store: Path, tmp_path: Path) -> None:
    own = store / "releases" / "0001" / "models" / "rank" / "config.pbtxt"
    own.write_text(own.read_text() + 'model_warmup [ { name: "one" batch_size: 1 } ]\n')
    for cold, warmups in (((), 1), (("rank",), 0)):
        view = tmp_path / f"view{warmups}"
        lay_out_models(find_release(store), view, cold=cold)
        config = text_format.Parse((view / "rank" / "config.pbtxt").read_text(), ModelConfig())
        assert len(config.model_warmup) == warmups
        config.ClearField("model_warmup")
        expected = text_format.Parse(own.read_text(), ModelConfig())
        expected.ClearField("model_warmup")
        assert config == expected


@pytest.mark.parametrize("place", ["models", "releases/0001/models"])
def test_warm_up_data_is_linked(store: Path, tmp_path: Path, place: str) -> None:
    warmup = store / place / "length" / "warmup"
    warmup.mkdir()
    lay_out_models(find_release(store), tmp_path / "view")
    assert (tmp_path / "view" / "length" / "warmup").resolve() == warmup


def test_a_missing_version_folder_is_named(store: Path, tmp_path: Path) -> None:
    write_release(store, 2, versions=(1, 2), ids=["r5", "s5"])
    shutil.rmtree(store / "models" / "rank" / "1")
    with pytest.raises(UnusableRelease, match=r"models/rank/1 is missing, .*0002/models/rank/config\.pbtxt"):
        lay_out_models(find_release(store), tmp_path / "view")


def test_a_missing_or_broken_config_is_named(store: Path, tmp_path: Path) -> None:
    release = find_release(store)
    config = release.configs / "rank" / "config.pbtxt"
    for text in ("no config {", None):
        config.unlink() if text is None else config.write_text(text)
        with pytest.raises(UnusableRelease, match=r"0001/models/rank/config\.pbtxt cannot be read"):
            lay_out_models(release, tmp_path / f"view {text}")


@pytest.mark.parametrize("versions", [(1, 2), (2,)])
def test_a_new_release_does_not_reach_a_running_server(
    store: Path, server: Server, ask: Ask, versions: tuple[int, ...]
) -> None:
    write_release(store, 2, versions=versions, ids=["r5", "s5"])
    for stub in stubs_of(server.pid):
        os.kill(stub.pid, signal.SIGKILL)
    wait_for(lambda: "recovered" in {event.kind for event in server.events})
    assert ask("hello") == (["p5", "q5"], [7.5, 5.0])
    os.kill(server.pid, signal.SIGKILL)
    wait_for(lambda: "restarted" in {event.kind for event in server.events})
    assert ask("hello") == (["p5", "q5"], [7.5, 5.0])
    assert server.release == 1
    assert {stub.version for stub in stubs_of(server.pid)} == {1}
    with Server(store, watch_options=FAST) as newer:
        control = connect(newer)
        assert search(control, "hello") == (["r5", "s5"], [7.5, 5.0])
        control.close()
        assert newer.release == 2
        assert {stub.version for stub in stubs_of(newer.pid)} == set(versions)
    assert (store / "models" / "rank" / "1" / "model.py").is_file()
