"""What a switch asks of a server beside its callers: no more than it needs, and not all at once."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from deploy.command import beside
from deploy.errors import CannotSwitch, RequestFailed
from deploy.store import Release, check_release
from deploy.switching import stage
from deploy.switching.turns import Turns
from deploy.switching.values import Canary
from tests.deploy.shop import write_manifest
from tests.deploy.switching.conftest import ME, quiet
from tests.deploy.switching.stand_in import Stand

MORE = ("search_more", "embed_product")


@pytest.fixture
def shop(two: Path) -> Path:
    """Releases 1 and 2, with two ensembles more than the probes ask."""
    for number in (1, 2):
        models = two / "releases" / f"{number:04d}" / "models"
        for name in MORE:
            shutil.copytree(models / "search_text", models / name)
            config = models / name / "config.pbtxt"
            config.write_text(config.read_text().replace('name: "search_text"', f'name: "{name}"'))
        write_manifest(two, number)
    return two


@pytest.fixture
def stand(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    made = Stand(shop, tmp_path)
    monkeypatch.setattr(stage, "time", made.clock)
    monkeypatch.setattr(Turns, "pause", lambda _, seconds: made.clock.pause(seconds))
    return made


def test_a_proof_has_only_the_names_that_it_asks(stand: Stand) -> None:
    stand.board.activate(2, ME, quiet)
    assert stand.triton.asked == ["search_text_canary"]
    assert stand.shadows == stand.triton.unloaded == ["search_text_canary"]
    assert stand.running.view.shadows == []
    assert {"search_text", *MORE} <= set(stand.triton.loaded)
    assert stand.board.status().canary is None


def test_what_is_embedded_has_a_name_too_unless_it_is_urgent(shop: Path, tmp_path: Path) -> None:
    stand = Stand(shop, tmp_path, catch_up=True)
    stand.triton.load_s = 0.0
    told = list[str]()
    stand.board.activate(2, ME, told.append)
    assert stand.shadows == ["embed_product_canary", "search_text_canary"]
    assert "embedding" in told
    stand.triton.loaded.clear()
    stand.board.rollback(ME, told.append)
    assert stand.shadows == ["search_text_canary"]
    assert told.count("embedding") == 1


def test_a_trial_has_all_names(stand: Stand) -> None:
    everyone = {f"{name}_canary" for name in ("search_text", *MORE)}
    stand.board.canary(2, 0.25, ME, quiet)
    assert set(stand.shadows) == set(stand.running.view.shadows) == everyone
    stand.triton.loaded.clear()
    stand.board.activate(2, ME, quiet)  # proved by the names that are there
    assert stand.shadows == []
    assert set(stand.triton.unloaded) == everyone
    assert stand.running.view.shadows == []


def test_a_proof_that_fails_takes_its_names_away_and_a_trials_stay(stand: Stand, shop: Path) -> None:
    path = shop / "releases" / "0002" / "probe" / "probe.json"
    good = path.read_text()
    path.write_text(good.replace("r5", "x5"))
    write_manifest(shop, 2)
    with pytest.raises(CannotSwitch, match="answers PRODUCT_ID"):
        stand.board.canary(2, 0.5, ME, quiet)
    assert stand.triton.unloaded == ["search_text_canary"]
    assert (stand.running.view.shadows, stand.running.view.loaded) == ([], (1,))
    path.write_text(good)
    write_manifest(shop, 2)
    stand.board.canary(2, 0.5, ME, quiet)
    path.write_text(good.replace("r5", "x5"))
    write_manifest(shop, 2)
    with pytest.raises(CannotSwitch, match="answers PRODUCT_ID"):
        stand.board.activate(2, ME, quiet)
    assert stand.board.status().canary == Canary(2, 0.5)
    assert len(stand.running.view.shadows) == 3


def test_names_that_could_not_be_taken_away_do_not_stay_on_another_release(stand: Stand) -> None:
    view = stand.running.view
    view.shadow(view.pinned, 0.5)  # left behind
    stand.board.activate(2, ME, quiet)
    assert len(stand.shadows) == 3
    assert view.shadows == []


def test_callers_get_a_moment_between_two_loads_and_at_no_other_time(stand: Stand) -> None:
    clock, view = stand.clock, stand.running.view
    stand.board.activate(2, ME, quiet)
    assert clock.slept == [0.0, 0.1]  # of two parts the second; no ensemble
    stand.board.rollback(ME, quiet)  # it is there
    assert (clock.slept, view.loaded) == ([0.0, 0.1], (1, 2))
    stage.Stage(stand.running, 1.0, quiet, stand.clock.pause).hold_live_alone()
    assert (clock.slept, view.loaded) == ([0.0, 0.1], (1,))


def test_the_moment_is_as_long_as_the_load_took_but_not_longer_than_half_a_second(stand: Stand) -> None:
    stand.triton.load_s = 4.0
    stand.board.canary(2, 0.5, ME, quiet)
    assert stand.clock.slept == [0.0, 0.5]


def test_what_is_urgent_does_not_pause(stand: Stand) -> None:
    stand.board.activate(2, ME, quiet)
    stage.Stage(stand.running, 1.0, quiet, stand.clock.pause).hold_live_alone()
    stand.clock.slept.clear()
    stand.triton.loaded.clear()
    stand.board.rollback(ME, quiet)
    assert stand.triton.loaded[:2] == ["length", "rank"]
    assert stand.clock.slept == []
    assert stand.triton.gently[-len(stand.triton.loaded) :] == [False] * len(stand.triton.loaded)


def test_parts_are_loaded_gently_and_nothing_else_is(stand: Stand) -> None:
    stand.board.activate(2, ME, quiet)
    assert stand.triton.loaded[:2] == ["length", "rank"]
    assert stand.triton.gently == [True, True, *[False] * (len(stand.triton.loaded) - 2)]
    assert not beside(stand.triton.folder.parent).exists()


def test_who_waits_for_a_load_ends_its_gentleness(stand: Stand) -> None:
    stand.clock.hurried = True
    stand.board.canary(2, 0.5, ME, quiet)
    assert not any(stand.triton.gently)


def test_a_load_that_fails_leaves_no_mark(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, timeout_s: float) -> None:
        raise OSError(f"{name}: no")

    monkeypatch.setattr(stand.triton, "load", refuse)
    with pytest.raises(CannotSwitch, match="length: no"):
        stand.board.activate(2, ME, quiet)
    assert not beside(stand.triton.folder.parent).exists()


def test_a_trial_whose_names_do_not_load_leaves_nothing_behind(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    real = stand.triton.load

    def load(name: str, timeout_s: float) -> None:
        if name == "search_more_canary":
            raise RequestFailed("UNAVAILABLE", "no memory")
        real(name, timeout_s)

    monkeypatch.setattr(stand.triton, "load", load)
    with pytest.raises(CannotSwitch, match="no memory"):
        stand.board.canary(2, 0.5, ME, quiet)
    assert (stand.running.view.shadows, stand.running.view.loaded) == ([], (1,))
    assert stand.board.status().canary is None


def test_files_are_compared_at_the_least_priority(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    priorities = list[int]()

    def spied(release: Release) -> None:
        priorities.append(os.getpriority(os.PRIO_PROCESS, 0))
        check_release(release)

    monkeypatch.setattr("deploy.switching.checking.check_release", spied)
    before = os.getpriority(os.PRIO_PROCESS, 0)
    stand.board.activate(2, ME, quiet)
    assert priorities == [19]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
