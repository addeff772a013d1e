"""Addresses, and what is found there."""

from __future__ import annotations

import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from catalogue.database import Database, Journal
from catalogue.database.address import parse, shown
from catalogue.errors import DatabaseMissing, DatabaseUnavailable, DatabaseUnusable
from tests.catalogue.making import SPACE, entry, put
from tests.postgres import shared


def test_a_catalogue_is_made_once_and_found_again(unmade_url: str) -> None:
    with pytest.raises(DatabaseMissing, match="make one with: python -m catalogue init --catalogue"):
        Database.open(unmade_url)
    with Database.open(unmade_url, create=True) as made:
        assert made.head() == 0
        name = made.catalogue_id
    for create in (False, True):
        with Database.open(unmade_url, create=create) as again:
            assert again.catalogue_id == name


def test_a_catalogue_is_made_once_by_many_at_once(unmade_url: str) -> None:
    found: list[str] = []

    def make() -> None:
        with Database.open(unmade_url, create=True) as made:
            found.append(made.catalogue_id)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_what_was_written_is_there_when_it_is_opened_again(database_url: str) -> None:
    with Database.open(database_url, create=True) as first:
        put(first, entry("a"))
    with Database.open(database_url) as second:
        assert [stored.product.id for stored in second.products()] == ["a"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "the catalogue's address cannot be read; allowed: sqlite:///FILE or postgresql"),
        ("mysql://shop:secret@localhost/shop", "mysql:// is not a database of catalogues"),
        ("postgresql+asyncpg://shop:secret@localhost/shop", "is not a database of catalogues"),
        ("postgresql+psycopg://shop:pa@secret@host/shop", "has an @ too many; write %40 in a password"),
        ("postgresql+psycopg://shop:pa@secret/x@host:1/shop", "has an @ too many; write %40 in a password"),
        ("sqlite://", "in memory is lost with its program"),
        ("sqlite:///:memory:", "in memory is lost with its program"),
        ("sqlite:///file:x?mode=memory&uri=true", "in memory is lost with its program"),
        ("sqlite:///c.sqlite?timeout=3", "takes no options"),
    ],
)
def test_an_address_that_is_not_allowed(url: str, said: str) -> None:
    for use in (lambda: Database.open(url, create=True), lambda: Journal(url, SPACE.space_id)):
        with pytest.raises(DatabaseUnusable, match=said) as caught:
            use()
        assert "secret" not in str(caught.value)


def test_a_relative_path_starts_at_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatabaseMissing, match=f"there is no folder {tmp_path}/var"):
        Database.open("sqlite:///var/c.sqlite", create=True)
    (tmp_path / "var").mkdir()
    with Database.open("sqlite:///var/c.sqlite", create=True) as database:
        monkeypatch.chdir("/")
        put(database, entry("a"))
    assert (tmp_path / "var" / "c.sqlite").is_file()


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE things (name TEXT)")
    before = path.read_bytes()
    for create in (False, True):
        with pytest.raises(DatabaseUnusable, match="another program's database, with the tables things"):
            Database.open(f"sqlite:///{path}", create=create)
    assert path.read_bytes() == before


def test_tables_of_another_program_on_the_server_are_left_alone() -> None:
    with shared().database() as url:
        shared().run("CREATE TABLE products (name TEXT)", url.rpartition("/")[2])
        with pytest.raises(DatabaseUnusable, match="another program's database, with the tables products"):
            Database.open(url, create=True)


@pytest.mark.parametrize("create", [False, True])
def test_a_file_that_is_no_database_is_told(tmp_path: Path, create: bool) -> None:
    path = tmp_path / "c.sqlite"
    path.write_text("no database, but long enough to be looked at " * 50)
    with pytest.raises(DatabaseUnusable, match="no SQLite database"):
        Database.open(f"sqlite:///{path}", create=create)


def test_tables_of_another_version_are_told(database_url: str) -> None:
    Database.open(database_url, create=True).close()
    statement = "UPDATE meta SET value = '99' WHERE name = 'schema'"
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)) as file:
            file.execute(statement)
    else:
        shared().run(statement, database_url.rpartition("/")[2])
    try:
        with pytest.raises(DatabaseUnusable, match="tables of version 99; this program knows 1"):
            Database.open(database_url)
    finally:
        if not database_url.startswith("sqlite"):
            shared().run(statement.replace("99", "1"), database_url.rpartition("/")[2])


def test_an_encoding_that_cannot_hold_every_text_is_told() -> None:
    server = shared()
    server.run("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1'")
    with pytest.raises(DatabaseUnusable, match="its encoding is LATIN1; allowed: UTF8"):
        Database.open(server.url("latin"), create=True)


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    url = "postgresql+psycopg://shop:secret@127.0.0.1:1/shop?password=secret&sslpassword=secret"
    assert "secret" not in shown(parse(url.replace("password", "PassWord")))
    with pytest.raises(DatabaseUnavailable, match=r"shop:\*\*\*@127\.0\.0\.1:1/shop: cannot be reached") as caught:
        Database.open(url)
    assert "secret" not in str(caught.value)
    journal = Journal(url, SPACE.space_id)
    with pytest.raises(DatabaseUnavailable):
        journal.head()
    journal.wait(0.01)
    journal.close()


def test_a_driver_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(DatabaseUnusable, match=r"psycopg is not installed; install it with `pip install 'tandem\["):
        Database.open("postgresql://localhost/shop")


def test_what_is_acknowledged_is_on_the_disk_whatever_the_defaults_are(database_url: str) -> None:
    if not database_url.startswith("sqlite"):
        name = database_url.rpartition("/")[2]
        shared().run(f"ALTER DATABASE {name} SET synchronous_commit = off")
    with Database.open(database_url, create=True) as database, database.reading() as reading:
        sqlite = database_url.startswith("sqlite")
        asked = ["PRAGMA synchronous", "PRAGMA journal_mode"] if sqlite else ["SHOW synchronous_commit", "SHOW fsync"]
        found = [reading.connection.exec_driver_sql(one).scalar_one() for one in asked]
    assert found == ([2, "wal"] if sqlite else ["on", "on"])


def test_a_name_with_odd_characters_is_a_file_like_any(tmp_path: Path) -> None:
    with Database.open(f"sqlite:///{tmp_path}/ü #1 'b'.sqlite", create=True) as database:
        put(database, entry("a"))
    assert (tmp_path / "ü #1 'b'.sqlite").is_file()
