"""What a release lacks, embedded by towers of this process in place of a server's."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from catalogue.database import Database
from clients.errors import QueueFull
from deploy.errors import CannotSwitch
from deploy.events import EventLog
from deploy.keep.options import KeepOptions
from deploy.keep.served import Item, Rows
from deploy.switching import catching_up
from deploy.switching.catching_up import CatchUp
from tests.deploy.keep.conftest import database
from tests.deploy.keep.towers import Towers, write
from tests.deploy.switching.conftest import quiet
from tests.deploy.switching.stand_in import Clock

__all__ = ["database"]

BATCH_S = 0.25


class Stopping(threading.Event):
    """Keeps how long it was waited for, and lets that time pass."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self.clock.pause(timeout or 0.0)
        return self.is_set()


class Busy(Towers):
    """Towers that take their time, once they are free."""

    def __init__(self, models: Path, clock: Clock) -> None:
        super().__init__(models)
        self.clock, self.refusals = clock, 0

    def rows(self, items: Sequence[Item]) -> Rows:
        self.clock.now += BATCH_S
        if self.refusals:
            self.refusals -= 1
            raise QueueFull("the queue is full")
        return super().rows(items)

    def close(self) -> None:
        """There is no connection."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(catching_up, "time", made)
    return made


@pytest.fixture
def busy(tiny_models: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Busy:
    made = Busy(tiny_models, clock)
    monkeypatch.setattr(catching_up, "ServedEncoder", lambda *_: made)
    return made


@pytest.fixture
def catch_up(busy: Busy, tiny_models: Path, tmp_path: Path) -> CatchUp:
    url, events = f"sqlite:///{tmp_path / 'catalogue.sqlite'}", EventLog(tmp_path / "events.jsonl")
    return CatchUp(url, tiny_models, "grpc://127.0.0.1:1", events, Stopping(busy.clock))


def test_few_are_embedded_at_a_time_and_callers_have_half_of_it(
    database: Database, catch_up: CatchUp, busy: Busy
) -> None:
    write(database, *((f"P{number:02}", None) for number in range(20)))
    told = list[str]()
    catch_up.run(told.append)
    assert [len(names) for names in busy.asked] == [8, 8, 4]
    assert KeepOptions().batch == 8
    assert busy.clock.slept == [BATCH_S] * 3
    assert told[-1] == "embedded 16 products"
    asked = len(busy.asked)
    catch_up.run(quiet)
    assert (len(busy.asked), len(busy.clock.slept)) == (asked, 3)


def test_a_pause_is_as_long_as_what_was_embedded_not_as_the_wait_for_it(
    database: Database, catch_up: CatchUp, busy: Busy
) -> None:
    write(database, ("a", None))
    busy.refusals = 3
    catch_up.run(quiet)
    assert busy.clock.slept == [0.5, 0.5, 0.5, BATCH_S]


def test_it_is_given_up_when_the_server_is_to_end_or_is_never_free(
    database: Database, catch_up: CatchUp, busy: Busy
) -> None:
    write(database, *((f"P{number:02}", None) for number in range(20)))
    busy.refusals = 1_000
    with pytest.raises(CannotSwitch, match="too busy"):
        catch_up.run(quiet)
    assert busy.refusals == 1_000 - 120
    busy.refusals = 0
    catch_up.stopping.set()
    with pytest.raises(CannotSwitch, match="the server is being stopped"):
        catch_up.run(quiet)
    assert [len(names) for names in busy.asked] == [8]
