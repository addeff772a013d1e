"""Waiting for a commit to a SQLite file without asking for it all the time.

How often it was asked is counted; asked every few milliseconds, it would pass the bounds many times over.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from catalogue.database import Database, Journal, polling
from catalogue.database.polling import POLL_S, SOON_S, Polling
from catalogue.errors import DatabaseError
from tests.catalogue.database.test_waiting import LONG_S, short
from tests.catalogue.database.test_watching import descriptors
from tests.catalogue.making import SPACE, entry, put

IDLE_S = 0.5
# After a write it is asked at times that lie twice as far apart each time.
FEW = 12
COMMIT = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("UPDATE head SET seq = seq + 1")
connection.close()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "catalogue.sqlite"
    Database.open(f"sqlite:///{made}", create=True).close()
    return made


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    made = Journal(f"sqlite:///{path}", SPACE.space_id)
    yield made
    made.close()


@pytest.fixture
def polls(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the version was asked for."""
    asked: list[float] = []
    ask = Polling._now

    def now(self: Polling) -> int:
        asked.append(time.monotonic())
        return ask(self)

    monkeypatch.setattr(Polling, "_now", now)
    return asked


def commit(path: Path) -> None:
    """A commit of another process, whose connection is closed again."""
    subprocess.run([sys.executable, "-c", COMMIT, str(path)], check=True)


def idle(journal: Journal, polls: list[float]) -> int:
    """How often it is asked while nothing happens."""
    polls.clear()
    journal.wait(IDLE_S)
    return len(polls)


def woken(journal: Journal, path: Path, polls: list[float]) -> None:
    """A commit of another process ends a wait, and it was not asked for it all the time before."""
    seen = journal.changes(0).seq
    assert idle(journal, polls) <= FEW
    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(short, journal)
        commit(path)
        assert ended.result()
    assert journal.head() == seen + 1


def test_a_commit_of_another_process_ends_a_wait(journal: Journal, path: Path, polls: list[float]) -> None:
    woken(journal, path, polls)
    woken(journal, path, polls)


def test_where_nothing_happens_it_is_hardly_asked(journal: Journal, path: Path, polls: list[float]) -> None:
    journal.changes(0)
    assert idle(journal, polls) <= FEW
    commit(path)
    journal.changes(0)
    (path.parent / "another").write_bytes(b"is no write to the log")
    assert idle(journal, polls) <= FEW


def test_a_commit_ends_a_pause_however_long(journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.changes(0)
    monkeypatch.setattr(journal._waiter._writes, "_last_s", time.monotonic() - 10 * LONG_S)  # type: ignore[attr-defined]
    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(short, journal)
        commit(path)
        assert ended.result()


def test_a_commit_that_is_seen_long_after_its_last_write_ends_a_wait(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.changes(0)
    ask, before, seen_at = Polling._now, journal._waiter._version, time.monotonic() + 0.4  # type: ignore[attr-defined]
    monkeypatch.setattr(Polling, "_now", lambda self: before if time.monotonic() < seen_at else ask(self))
    commit(path)
    journal.wait(0.01)  # takes note of the write
    journal.changes(0)
    assert short(journal)
    assert time.monotonic() >= seen_at


def test_a_transaction_that_writes_for_long_ends_a_wait_when_it_is_committed(
    journal: Journal, path: Path, polls: list[float]
) -> None:
    journal.changes(0)
    with ThreadPoolExecutor(1) as thread, closing(sqlite3.connect(path, isolation_level=None)) as writer:
        log = path.with_name(f"{path.name}-wal")
        before = log.stat().st_size
        writer.execute("PRAGMA cache_size = 5")
        writer.execute("BEGIN IMMEDIATE")
        polls.clear()
        began = time.monotonic()
        ended = thread.submit(short, journal)
        for number in range(300):
            writer.execute("INSERT INTO pictures VALUES (?, ?)", (str(number), b"x" * 20_000))
        assert log.stat().st_size > before + 1_000_000  # pages of it are written, long before the commit
        assert len(polls) <= 2 + 2 * (time.monotonic() - began) / SOON_S
        assert not ended.done()
        writer.execute("COMMIT")
        assert ended.result()


def test_a_nudge_ends_a_wait_that_watches(journal: Journal, polls: list[float]) -> None:
    journal.changes(0)
    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(short, journal)
        while len(polls) < 4:
            time.sleep(0.005)
        journal.nudge()
        assert ended.result()


def test_where_nothing_can_be_watched_it_is_asked_all_the_time(
    journal: Journal, path: Path, polls: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: Any) -> Any:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as without:
        without.setattr(polling, "Writes", none_left)
        journal.changes(0)
        assert FEW < idle(journal, polls) <= IDLE_S / POLL_S + 2
        with ThreadPoolExecutor(1) as thread:
            ended = thread.submit(short, journal)
            commit(path)
            assert ended.result()
    journal.changes(0)
    assert idle(journal, polls) <= FEW


def test_a_log_that_can_no_longer_be_watched_is_asked_for_all_the_time(
    journal: Journal, polls: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.changes(0)
    before = descriptors()
    missing = Path("/nowhere/at/all-wal")
    monkeypatch.setattr(polling, "log_of", lambda _: missing)
    monkeypatch.setattr(journal._waiter._writes, "_path", missing)  # type: ignore[attr-defined]
    journal.changes(0)
    assert idle(journal, polls) > FEW
    assert descriptors() == before - 1


def test_a_file_in_the_place_of_the_old_one_is_followed(journal: Journal, path: Path, polls: list[float]) -> None:
    journal.changes(0)
    another = path.with_name("another.sqlite")
    Database.open(f"sqlite:///{another}", create=True).close()
    for left in ("-wal", "-shm"):
        path.with_name(f"{path.name}{left}").unlink()
    another.replace(path)
    with pytest.raises(DatabaseError, match="replaced"):
        journal.changes(0)
    woken(journal, path, polls)


def test_a_log_that_was_removed_and_made_again_is_followed(journal: Journal, path: Path, polls: list[float]) -> None:
    journal.changes(0)
    log = path.with_name(f"{path.name}-wal")
    assert log.exists()
    journal._waiter.close()
    journal._transactions.close()
    assert not log.exists()
    woken(journal, path, polls)
    assert log.exists()


def test_a_file_that_was_away_is_followed(journal: Journal, path: Path, polls: list[float]) -> None:
    journal.changes(0)
    aside = path.with_name("aside")
    path.rename(aside)
    with pytest.raises(DatabaseError, match="gone"):
        journal.changes(0)
    aside.rename(path)
    woken(journal, path, polls)


def test_an_address_that_is_a_link_is_followed(path: Path, tmp_path: Path, polls: list[float]) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.sqlite"
    link.symlink_to(path)
    journal = Journal(f"sqlite:///{link}", SPACE.space_id)
    woken(journal, path, polls)
    journal.close()


def test_a_journal_that_is_closed_gives_all_descriptors_back(path: Path) -> None:
    url = f"sqlite:///{path}"
    before = descriptors()
    with Database.open(url) as database:
        for number in range(3):
            journal = Journal(url, SPACE.space_id)
            journal.changes(0)
            put(database, entry(f"p{number}"))
            journal.wait(LONG_S)
            journal.changes(0)
            with pytest.raises(DatabaseError):
                journal.changes(1_000)
            journal.close()
    assert descriptors() == before
