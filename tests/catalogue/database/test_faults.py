"""A full disk, a database that goes away: an error that says so, nothing half written, and on it goes."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from catalogue.database import Database, Entry, Journal
from catalogue.errors import DatabaseError, DatabaseMissing, DatabaseUnavailable, WriteFailed
from tests.catalogue.making import SPACE, entry, product, put, row
from tests.postgres import Postgres, why_not

LARGE = 300_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.sqlite"


def opened(path: Path) -> Database:
    return Database.open(f"sqlite:///{path}", create=True)


def ids(database: Database) -> list[str]:
    return [stored.product.id for stored in database.products()]


@pytest.fixture
def room() -> Iterator[dict[str, int]]:
    """How many pages files may have, once it is said; 0 for any number."""
    pages = {"pages": 0}

    def limit(connection: Any, *_: Any) -> None:
        raw = connection.connection.dbapi_connection
        if isinstance(raw, sqlite3.Connection):
            raw.execute(f"PRAGMA max_page_count = {pages['pages'] or 1_000_000}")

    event.listen(Engine, "begin", limit)
    yield pages
    event.remove(Engine, "begin", limit)


def test_a_write_that_the_disk_has_no_room_for_is_rolled_back_as_a_whole(path: Path, room: dict[str, int]) -> None:
    with opened(path) as database:
        database.register(SPACE)
        put(database, entry("a", 1))
        room["pages"] = 40
        with pytest.raises(
            WriteFailed, match=r"the disk is full, or the file has reached its limit; nothing was written"
        ):
            database.upsert([entry("b", 2), Entry(product("c"), bytes(LARGE))])
        assert ids(database) == ["a"]
        assert database.head() == 1
        put(database, entry("b", 2))
        room["pages"] = 0
        put(database, Entry(product("c"), bytes(LARGE)))
        assert database.head() == 3


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        with opened(disk / "c.sqlite") as database:
            put(database, entry("a"))
            with pytest.raises(WriteFailed, match="nothing was written"):
                database.upsert([Entry(product("b"), bytes(2 * LARGE))])
            assert ids(database) == ["a"]
            put(database, entry("b"))
        with opened(disk / "c.sqlite") as database:
            assert ids(database) == ["a", "b"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_readers_are_not_held_up_by_a_writer(database: Database, journal: Journal) -> None:
    put(database, entry("a", 1))
    with suppress(KeyboardInterrupt), database._transactions.writing() as writing:
        writing.note("b", "upsert")
        writing.number()
        assert database.head() == 1
        assert [change.id for change in journal.changes(0).changes] == ["a"]
        raise KeyboardInterrupt
    assert put(database, entry("b")) == [2]


def test_a_file_that_is_gone_takes_no_more_writes(path: Path) -> None:
    with opened(path) as database:
        put(database, entry("a"))
        path.unlink()
        for use in (database.head, lambda: put(database, entry("b"))):
            with pytest.raises(DatabaseMissing, match="the file is gone"):
                use()
        assert not path.exists()


def test_a_file_that_was_brought_back_is_used(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    with opened(path) as database:
        database.register(SPACE)
        put(database, entry("a", 1))
    shutil.copy(path, copy)
    journal = Journal(f"sqlite:///{path}", SPACE.space_id)
    with opened(path) as database:
        put(database, entry("b", 2))
        assert journal.changes(0).seq == 2
    for left in tmp_path.glob("catalogue.sqlite*"):
        left.unlink()
    copy.replace(path)
    with opened(path) as database:
        assert ids(database) == ["a"]
        for _ in range(2):
            with pytest.raises(DatabaseError):
                journal.changes(2)
        put(database, entry("c", 3))
        assert [change.id for change in journal.changes(1).changes] == ["c"]
    journal.close()


def test_a_damaged_file_is_told(path: Path) -> None:
    with opened(path) as database:
        put(database, *(entry(f"p{number:03}") for number in range(400)))
    with path.open("r+b") as file:
        file.seek(8_192)
        file.write(b"\xff" * (path.stat().st_size - 8_192))
    with pytest.raises(DatabaseError, match=r"catalogue\.sqlite"), opened(path) as database:
        list(database.products())


def test_a_server_that_restarts_is_found_again() -> None:
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    server = Postgres()
    try:
        server.start()
        with Database.open(server.url(), create=True) as database:
            database.register(SPACE)
            put(database, entry("a", 1))
            journal = Journal(server.url(), SPACE.space_id, database.catalogue_id)
            assert journal.changes(0).seq == 1
            server.kill()
            with pytest.raises(DatabaseUnavailable):
                put(database, entry("b"))
            with pytest.raises(DatabaseUnavailable):
                journal.changes(1)
            journal.wait(0.01)
            server.start()
            put(database, entry("b", 2))
            (change,) = journal.changes(1).changes
            assert change.row is not None
            assert change.row.tolist() == row(2).tolist()
            put(database, entry("c", 3))
            journal.wait(60)
            assert journal.changes(2).seq == 3
            journal.close()
    finally:
        server.remove()
