"""Waiting for a commit. No time is measured: a wait that misses its commit runs into the test's own limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from catalogue.database import Database, Journal
from catalogue.errors import DatabaseError
from tests.catalogue.making import SPACE, entry, put

LONG_S = 60.0


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def short(journal: Journal, timeout_s: float = LONG_S) -> bool:
    """Whether a wait ends long before its time."""
    began = time.monotonic()
    journal.wait(timeout_s)
    return time.monotonic() - began < timeout_s / 2


def test_a_commit_ends_a_wait_that_has_begun(database: Database, journal: Journal, thread: ThreadPoolExecutor) -> None:
    journal.changes(0)
    waiting = thread.submit(short, journal)
    put(database, entry("a"))
    assert waiting.result()
    assert journal.changes(0).seq == 1


def test_a_commit_since_the_last_look_ends_a_wait_at_once(database: Database, journal: Journal) -> None:
    seen = journal.changes(0).seq
    for number in range(3):
        put(database, entry(f"p{number}"))
        assert short(journal)
        changes = journal.changes(seen)
        assert [change.id for change in changes.changes] == [f"p{number}"]
        seen = changes.seq


def test_a_wait_without_news_ends_at_its_time(database: Database, journal: Journal) -> None:
    put(database, entry("a"))
    journal.changes(0)
    began = time.monotonic()
    journal.wait(0.1)
    assert time.monotonic() - began >= 0.1
    journal.wait(0)


def test_a_nudge_ends_a_wait(journal: Journal, thread: ThreadPoolExecutor) -> None:
    journal.changes(0)
    waiting = thread.submit(short, journal)
    journal.nudge()
    assert waiting.result()
    journal.nudge()
    assert short(journal)


def test_a_nudge_ends_a_wait_for_a_catalogue_that_is_not_there(tmp_path: Path, thread: ThreadPoolExecutor) -> None:
    journal = Journal(f"sqlite:///{tmp_path / 'missing.sqlite'}", SPACE.space_id)
    with pytest.raises(DatabaseError):
        journal.changes(0)
    waiting = thread.submit(short, journal)
    journal.nudge()
    assert waiting.result()
    journal.close()


def test_no_commit_of_many_writers_is_missed(database: Database, journal: Journal) -> None:
    def write(name: str) -> None:
        for number in range(10):
            put(database, entry(f"{name}{number}"))

    writers = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    seen, ids = journal.changes(0).seq, set()
    for writer in writers:
        writer.start()
    while seen < 30:
        assert short(journal)
        changes = journal.changes(seen)
        ids |= {change.id for change in changes.changes}
        seen = changes.seq
    for writer in writers:
        writer.join()
    assert len(ids) == 30
