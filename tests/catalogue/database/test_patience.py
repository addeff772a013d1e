"""Locks that are held, servers that do not answer, and callers who give up: told in time, and nothing is written."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from catalogue.database import Database, Patch, Patience
from catalogue.errors import DatabaseUnavailable
from tests.catalogue.making import entry, put

Write = Callable[[Database], Any]
HASTY = Patience(lock_s=0.05)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.sqlite"


def opened(path: Path, patience: Patience) -> Database:
    return Database.open(f"sqlite:///{path}", create=True, patience=patience)


def ids(database: Database) -> list[str]:
    return [stored.product.id for stored in database.products()]


def test_a_lock_that_others_hold_for_too_long(path: Path) -> None:
    with opened(path, HASTY) as database, closing(sqlite3.connect(path, isolation_level=None)) as other:
        put(database, entry("a"))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(
            DatabaseUnavailable, match="other writers hold the database for too long; nothing was written"
        ):
            put(database, entry("b"))
        assert ids(database) == ["a"]
        other.execute("ROLLBACK")
        put(database, entry("b"))


def test_who_waits_for_a_lock_can_give_up(path: Path) -> None:
    asked = 0

    def give_up() -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise KeyboardInterrupt

    with (
        opened(path, Patience(check=give_up)) as database,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        put(database, entry("a"))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(KeyboardInterrupt):
            put(database, entry("b"))
        other.execute("ROLLBACK")
        assert (asked, ids(database)) == (3, ["a"])


@pytest.mark.parametrize(
    "write",
    [
        lambda database: database.upsert([entry("b")]),
        lambda database: database.patch([Patch("a", {"price": 1})]),
        lambda database: database.delete(["a"]),
    ],
)
def test_who_gives_up_before_the_commit_has_written_nothing(database_url: str, write: Write) -> None:
    def give_up() -> None:
        raise KeyboardInterrupt

    with Database.open(database_url, create=True) as database:
        put(database, entry("a"))
        with Database.open(database_url, patience=Patience(check=give_up)) as other, pytest.raises(KeyboardInterrupt):
            write(other)
        assert (database.head(), [one.product.price for one in database.products()]) == (1, [None])


def test_a_connection_that_is_not_answered_is_given_up_for_another(postgresql_url: str) -> None:
    with Database.open(postgresql_url, patience=Patience(lock_s=0.2, answer_s=0.3)) as database:
        with database.reading() as reading:
            number = reading.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        try:
            os.kill(number, signal.SIGSTOP)
            before = database.head()
            assert put(database, entry("unanswered")) == [before + 1]
        finally:
            os.kill(number, signal.SIGCONT)


def test_a_statement_that_is_not_answered_is_told(postgresql_url: str) -> None:
    with Database.open(postgresql_url, patience=Patience(lock_s=0.2, answer_s=0.3)) as database:
        told = r"cannot be reached; try again \(no answer within 0\.3 s\)"
        with pytest.raises(DatabaseUnavailable, match=told), database.reading() as reading:
            reading.connection.exec_driver_sql("SELECT pg_sleep(30)")
        assert database.head() >= 0


def test_a_lock_that_others_hold_for_too_long_on_postgresql(postgresql_url: str) -> None:
    with Database.open(postgresql_url, patience=HASTY) as database:
        before = database.head()
        entered, leave = threading.Event(), threading.Event()

        def hold() -> None:
            with database._transactions.writing():
                entered.set()
                leave.wait()

        thread = threading.Thread(target=hold)
        thread.start()
        entered.wait()
        try:
            with pytest.raises(DatabaseUnavailable, match="other writers hold the database for too long"):
                put(database, entry("held"))
        finally:
            leave.set()
            thread.join()
        assert database.head() == before


def test_an_answer_is_waited_for_longer_than_a_lock() -> None:
    with pytest.raises(ValueError, match="`answer_s` must be above `lock_s`, got 3 and 3"):
        Patience(lock_s=3, answer_s=3)
