"""One switch at a time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from deploy.audit import Audit
from deploy.errors import SwitchBusy
from deploy.events import EventLog
from deploy.switching.turns import Turn, Turns
from tests.deploy.conftest import wait_for
from tests.deploy.switching.conftest import ME, quiet


def test_a_pause_ends_as_soon_as_a_switch_waits(tmp_path: Path) -> None:
    turns = Turns(Audit(tmp_path), EventLog(tmp_path / "events.jsonl"), threading.Event())

    def switch() -> None:
        with turns.take(quiet, lambda: Turn("activate", 1, 2, ME, quiet)):
            pass

    assert not turns.pause(0.001)
    with turns.background("busy"):
        waiting = threading.Thread(target=switch)
        waiting.start()
        assert turns.pause(60.0)
    waiting.join()
    assert not turns.pause(0.001)


def test_one_switch_waits_for_what_is_done_in_the_background_and_others_are_refused(tmp_path: Path) -> None:
    turns = Turns(Audit(tmp_path), EventLog(tmp_path / "events.jsonl"), threading.Event())
    told, done = list[str](), list[str]()

    def switch() -> None:
        with turns.take(told.append, lambda: Turn("activate", 1, 2, ME, quiet)):
            done.append("switched")

    with turns.background("busy") as mine:
        assert mine
        with turns.background("busier") as again:
            assert not again
        waiting = threading.Thread(target=switch)
        waiting.start()
        wait_for(lambda: bool(told))
        with pytest.raises(SwitchBusy, match="another switch is being made: busy"):
            switch()
        assert not done
    waiting.join()
    assert (told, done) == (["waiting, since the server is busy"], ["switched"])
    with pytest.raises(ZeroDivisionError), turns.take(quiet, lambda: Turn("rollback", 2, 1, ME, quiet)):
        _ = 1 / 0
    assert [(entry.action, entry.outcome) for entry in Audit(tmp_path).all()] == [("rollback", "failed")]
    assert turns.doing is None
