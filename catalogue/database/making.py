"""Makes the tables of a catalogue, and checks that what is there is one."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, func, insert, inspect, select
from sqlalchemy.engine import URL

from catalogue.database.address import shown
from catalogue.database.faults import told
from catalogue.database.opening import begin_writing
from catalogue.database.patience import PATIENT
from catalogue.database.schema import SCHEMA, head, meta, metadata
from catalogue.database.transactions import Transactions
from catalogue.errors import DatabaseMissing, DatabaseUnavailable, DatabaseUnusable

_CREATING = 7_402_583  # PostgreSQL's advisory lock: two that make the tables at once would trip over each other


def make(transactions: Transactions) -> None:
    """Make the tables where there are none.

    Raises:
        DatabaseMissing: The folder of the file does not exist, or there is no such database on the server.
        DatabaseError: It cannot be written.
    """
    if transactions.url.drivername == "sqlite":
        _make_file(transactions.url)
    with told(transactions.address), transactions.engine.connect() as connection, begin_writing(connection).begin():
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_CREATING)))
        if not inspect(connection).has_table(meta.name):
            _make_tables(connection, transactions.address)


def identify(transactions: Transactions) -> str:
    """Check that the database is a catalogue of this version.

    Returns:
        Its ``catalogue_id``.

    Raises:
        DatabaseMissing: There is none.
        DatabaseUnusable: It is something else, or of another version.
    """
    address = transactions.address
    if transactions.url.drivername == "sqlite" and not Path(str(transactions.url.database)).is_file():
        raise DatabaseMissing(f"{address}: there is no such file; {_how(transactions.url)}")
    with transactions.reading() as connection:
        return check(connection, address, _how(transactions.url))


def check(connection: Connection, address: str, how: str = "") -> str:
    """As ``identify``, on a connection that is in a transaction."""
    inspector = inspect(connection)
    if not inspector.has_table(meta.name) or not inspector.has_table(head.name):
        tables = inspector.get_table_names()
        if tables and connection.dialect.name == "sqlite":
            raise _of_another_program(address, tables)
        raise DatabaseMissing(f"{address}: holds no catalogue; {how}")
    facts = {row.name: row.value for row in connection.execute(select(meta))}
    if facts.get("schema") != SCHEMA:
        raise DatabaseUnusable(f"{address}: tables of version {facts.get('schema')}; this program knows {SCHEMA}")
    _check_encoding(connection, address)
    return str(facts["catalogue_id"])


def _of_another_program(address: str, tables: Sequence[str]) -> DatabaseUnusable:
    return DatabaseUnusable(f"{address}: another program's database, with the tables {', '.join(tables[:5])}")


def _how(url: URL) -> str:
    return f"make one with: python -m catalogue init --catalogue {shown(url)}"


def _check_encoding(connection: Connection, address: str) -> None:
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise DatabaseUnusable(f"{address}: its encoding is {encoding}; allowed: UTF8")


def _make_file(url: URL) -> None:
    path = Path(str(url.database))
    if not path.parent.is_dir():
        raise DatabaseMissing(f"{shown(url)}: there is no folder {path.parent}; make it first")
    try:
        with closing(sqlite3.connect(path, timeout=PATIENT.lock_s, isolation_level=None)) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            if not tables:
                connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_NOTADB":
            raise DatabaseUnusable(f"{shown(url)}: there is a file that is no SQLite database") from error
        raise DatabaseUnavailable(f"{shown(url)}: the file cannot be made or opened ({error})") from error


def _make_tables(connection: Connection, address: str) -> None:
    there = inspect(connection).get_table_names()
    taken = there if connection.dialect.name == "sqlite" else sorted(set(there) & set(metadata.tables))
    if taken:
        raise _of_another_program(address, taken)
    metadata.create_all(connection)
    connection.execute(insert(head).values(one=1, seq=0, trimmed=0))
    facts = {"schema": SCHEMA, "catalogue_id": str(uuid.uuid4())}
    connection.execute(insert(meta), [{"name": name, "value": value} for name, value in facts.items()])
