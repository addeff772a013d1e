"""What a server shows to Triton, and that releases made meanwhile do not reach it."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from deploy.configs import read_configs
from deploy.errors import CannotSwitch, UnusableRelease
from deploy.server import Server
from deploy.store import find_release
from deploy.stubs import stubs_of
from deploy.view import View
from tests.deploy.conftest import FAST, Ask, connect, search, wait_for
from tests.deploy.shop import write_release


def versions_of(view: View, model: str) -> tuple[list[int], set[str]]:
    """What a config has served, and what is linked."""
    config = text_format.Parse((view.folder / model / "config.pbtxt").read_text(), ModelConfig())
    return list(config.version_policy.specific.versions), {
        path.name for path in (view.folder / model).iterdir() if path.is_symlink()
    }


def pinned(view: View, model: str = "search_text") -> set[int]:
    """Versions that an ensemble runs."""
    config = text_format.Parse((view.folder / model / "config.pbtxt").read_text(), ModelConfig())
    return {step.model_version for step in config.ensemble_scheduling.step}


def test_a_view_begins_with_one_release(store: Path, tmp_path: Path) -> None:
    write_release(store, 2, versions=(1, 2), ids=["r5", "s5"])
    view = View(tmp_path / "view", find_release(store))
    assert {path.name for path in view.folder.iterdir()} == {"length", "rank", "search_text"}
    assert versions_of(view, "rank") == ([2], {"2"})
    assert (view.folder / "rank" / "2").resolve() == store / "models" / "rank" / "2"
    assert list((view.folder / "search_text" / "1").iterdir()) == []
    assert view.held == (2,)
    shutil.rmtree(view.folder)
    assert (store / "models" / "rank" / "2" / "model.py").is_file()


def test_a_view_holds_two_releases_and_its_ensembles_pin_one(store: Path, tmp_path: Path) -> None:
    write_release(store, 2, versions=(2,), ids=["r5", "s5"])
    one, two = find_release(store, 1), find_release(store, 2)
    view = View(tmp_path / "view", one)
    assert view.hold([two, one]) == ["length", "rank"]
    assert versions_of(view, "rank") == ([1, 2], {"1", "2"})
    assert pinned(view) == {1}
    before = (view.folder / "rank" / "config.pbtxt").stat().st_mtime_ns
    assert view.pin(two) == ["search_text"]
    assert (view.pinned, pinned(view)) == (two, {2})
    assert view.shadow(one, 0.25) == ["search_text_canary"]
    assert (pinned(view, "search_text_canary"), pinned(view)) == ({1}, {2})
    config = text_format.Parse((view.folder / "search_text_canary" / "config.pbtxt").read_text(), ModelConfig())
    assert config.name == "search_text_canary"
    assert config.parameters["canary_share"].string_value == "0.25"
    assert config.parameters["canary_release"].string_value == "1"
    view.unshadow()
    assert {path.name for path in view.folder.iterdir()} == {"length", "rank", "search_text"}
    assert (view.folder / "rank" / "config.pbtxt").stat().st_mtime_ns == before
    view.hold([two])
    assert versions_of(view, "rank") == ([2], {"2"})


def test_a_proof_may_want_few_names(store: Path, tmp_path: Path) -> None:
    release = find_release(store)
    shutil.copytree(release.configs / "search_text", release.configs / "search_more")
    config = release.configs / "search_more" / "config.pbtxt"
    config.write_text(config.read_text().replace("search_text", "search_more"))
    view = View(tmp_path / "view", release)
    assert view.shadow(release, 0.0, only={"search_text", "rank"}) == ["search_text_canary"]
    assert view.shadows == ["search_text_canary"]
    assert view.shadow(release, 0.5) == ["search_more_canary", "search_text_canary"]
    assert view.shadow(release, 0.0, only=()) == ["search_more_canary", "search_text_canary"]
    text = (view.folder / "search_text_canary" / "config.pbtxt").read_text()
    assert text_format.Parse(text, ModelConfig()).parameters["canary_share"].string_value == "0"


def test_a_config_that_was_changed_does_not_change_what_is_read(store: Path) -> None:
    release = find_release(store)
    read_configs(release)["rank"].name = "another"
    assert read_configs(release)["rank"].name == "rank"


def test_a_config_that_serves_both_stays_as_it_is(store: Path, tmp_path: Path) -> None:
    write_release(store, 2, versions=(2,), ids=["r5", "s5"])
    one, two = find_release(store, 1), find_release(store, 2)
    own = two.configs / "rank" / "config.pbtxt"
    own.write_text(own.read_text().replace("count: 1", "count: 2"))
    view = View(tmp_path / "view", one)
    view.hold([one, two])
    view.pin(two)
    view.hold([two])
    config = text_format.Parse((view.folder / "rank" / "config.pbtxt").read_text(), ModelConfig())
    assert config.instance_group[0].count == 1
    fresh = View(tmp_path / "fresh", two)
    config = text_format.Parse((fresh.folder / "rank" / "config.pbtxt").read_text(), ModelConfig())
    assert config.instance_group[0].count == 2


def test_releases_of_other_models_cannot_be_held_together(store: Path, tmp_path: Path) -> None:
    write_release(store, 2, versions=(2,), ids=["r5", "s5"])
    two = find_release(store, 2)
    shutil.copytree(two.configs / "search_text", two.configs / "search_more")
    config = two.configs / "search_more" / "config.pbtxt"
    config.write_text(config.read_text().replace("search_text", "search_more"))
    view = View(tmp_path / "view", find_release(store, 1))
    with pytest.raises(CannotSwitch, match=r"releases 1 and 2 cannot stand side by side: only one .* search_more"):
        view.hold([find_release(store, 1), two])
    assert view.held == (1,)


def test_releases_of_other_shapes_cannot_be_held_together(store: Path, tmp_path: Path) -> None:
    write_release(store, 2, versions=(2,), ids=["r5", "s5"])
    two = find_release(store, 2)
    config = two.configs / "rank" / "config.pbtxt"
    config.write_text(config.read_text().replace("dims: [ 2 ]", "dims: [ 3 ]"))
    view = View(tmp_path / "view", find_release(store, 1))
    with pytest.raises(CannotSwitch, match=r"releases 1 and 2 cannot stand side by side: `rank` has other shapes"):
        view.hold([find_release(store, 1), two])
    assert versions_of(view, "length") == ([1], {"1"})
    assert view.held == (1,)


def test_a_model_that_searches_elsewhere_is_not_warmed_up(store: Path, tmp_path: Path) -> None:
    own = store / "releases" / "0001" / "models" / "rank" / "config.pbtxt"
    own.write_text(own.read_text() + 'model_warmup [ { name: "one" batch_size: 1 } ]\n')
    for cold, warmups in (((), 1), (("rank",), 0)):
        view = View(tmp_path / f"view{warmups}", find_release(store), cold=cold)
        config = text_format.Parse((view.folder / "rank" / "config.pbtxt").read_text(), ModelConfig())
        assert len(config.model_warmup) == warmups
        config.ClearField("model_warmup")
        expected = text_format.Parse(own.read_text(), ModelConfig())
        expected.ClearField("model_warmup")
        assert config == expected


@pytest.mark.parametrize("place", ["models", "releases/0001/models"])
def test_warm_up_data_is_linked(store: Path, tmp_path: Path, place: str) -> None:
    warmup = store / place / "length" / "warmup"
    warmup.mkdir()
    View(tmp_path / "view", find_release(store))
    assert (tmp_path / "view" / "length" / "warmup").resolve() == warmup


def test_a_missing_version_folder_is_named(store: Path, tmp_path: Path) -> None:
    shutil.rmtree(store / "models" / "rank" / "1")
    with pytest.raises(UnusableRelease, match=r"models/rank/1 is missing, though release 1 has this model"):
        View(tmp_path / "view", find_release(store))


def test_a_missing_or_broken_config_is_named(store: Path, tmp_path: Path) -> None:
    release = find_release(store)
    config = release.configs / "rank" / "config.pbtxt"
    for text in ("no config {", None):
        config.unlink() if text is None else config.write_text(text)
        with pytest.raises(UnusableRelease, match=r"0001/models/rank/config\.pbtxt cannot be read"):
            View(tmp_path / f"view {text}", release)


def test_a_new_release_does_not_reach_a_running_server(store: Path, server: Server, ask: Ask) -> None:
    write_release(store, 2, versions=(1, 2), ids=["r5", "s5"])
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
        wait_for(lambda: newer.switchboard.status().loaded == (1, 2))
        assert {stub.version for stub in stubs_of(newer.pid)} == {1, 2}
    assert (store / "models" / "rank" / "1" / "model.py").is_file()
