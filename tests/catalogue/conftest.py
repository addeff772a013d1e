"""A catalogue's database on SQLite and on PostgreSQL: the same tests on both."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from catalogue.database import Database, Entry, Journal
from catalogue.database.schema import metadata
from catalogue.serving import Connection, Writer
from catalogue.serving.operations import upserts
from tests.catalogue import served
from tests.catalogue.making import SPACE
from tests.postgres import shared

KINDS = ["sqlite", "postgresql"]


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A catalogue on PostgreSQL; tests that write to it take ``database_url``."""
    with shared().database() as url:
        Database.open(url, create=True).close()
        yield url


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty catalogue, or of none yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
    return emptied(request.getfixturevalue("postgresql_url"))


@pytest.fixture(params=KINDS)
def unmade_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address where a catalogue can be made."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
        return
    with shared().database() as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty catalogue with one space."""
    with Database.open(database_url, create=True) as made:
        made.register(SPACE)
        yield made


@pytest.fixture
def journal(database_url: str, database: Database) -> Iterator[Journal]:
    """The catalogue's journal as that space sees it."""
    made = Journal(database_url, SPACE.space_id, database.catalogue_id)
    yield made
    made.close()


@pytest.fixture
def url(tmp_path: Path) -> str:
    """An empty catalogue on SQLite."""
    made = f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
    Database.open(made, create=True).close()
    return made


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    """As a served model has it."""
    made = Connection(url, served.SPACE)
    yield made
    made.close()


@pytest.fixture
def commit(connection: Connection) -> Writer[Entry, int]:
    """The writer of products."""
    return Writer(connection, upserts(served.SPACE, served.RELEASE))


def emptied(url: str) -> str:
    """Make a catalogue on PostgreSQL as if it were new, which takes a tenth of the time of a new one."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        for name in sorted(set(metadata.tables) - {"head", "meta"}):
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
        connection.execute("UPDATE head SET seq = 0, trimmed = 0")
        connection.execute("DELETE FROM meta WHERE name NOT IN ('schema', 'catalogue_id')")
        connection.execute("UPDATE meta SET value = %s WHERE name = 'catalogue_id'", [str(uuid.uuid4())])
    return url
