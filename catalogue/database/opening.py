"""Connections to a catalogue, and the settings that make what it acknowledges last."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from catalogue.database.address import shown
from catalogue.errors import DatabaseMissing, DatabaseUnavailable, DatabaseUnusable

LOCK_TIMEOUT_S = 20.0
CONNECT_TIMEOUT_S = 5
POOL_TIMEOUT_S = 30.0
WAL_BYTES = 64 * 1024 * 1024
CACHE_KIB = 16 * 1024
WRITES = "catalogue_writes"

# A server that is gone without a word is noticed within this, not after the kernel's quarter of an hour.
_KEEPALIVE = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


def engine_of(url: URL, *, pooled: bool = True) -> Engine:
    """Connections to a database; none is made yet.

    Args:
        url: From ``address.parse``.
        pooled: Keep some open for many threads, rather than one a caller.

    Raises:
        DatabaseUnusable: The driver for this database is not installed.
    """
    pool: dict[str, Any] = {"pool_timeout": POOL_TIMEOUT_S} if pooled else {"poolclass": NullPool}
    if url.drivername == "sqlite":
        return _sqlite(url, pool)
    query = {name: str(value) for name, value in _KEEPALIVE.items() if name not in url.query}
    try:
        engine = create_engine(url.update_query_dict(query), pool_pre_ping=pooled, **pool)
    except ModuleNotFoundError as error:
        needed = f"{error.name} is not installed; install it with `pip install 'tandem[postgres]'`"
        raise DatabaseUnusable(f"{shown(url)}: {needed}") from error
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def begin_writing(connection: Connection) -> Connection:
    """Mark a connection: its next transaction writes."""
    return connection.execution_options(**{WRITES: True})


def begin_reading(connection: Connection) -> Connection:
    """Mark a connection: its next transaction reads one state of the whole database."""
    if connection.dialect.name == "sqlite":
        return connection
    return connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _sqlite(url: URL, pool: dict[str, Any]) -> Engine:
    path = str(url.database)

    def connect() -> sqlite3.Connection:
        if file_of(url) is None:
            raise DatabaseMissing(f"{shown(url)}: the file is gone")
        # mode=rw: SQLite would make a missing file, and an empty catalogue in the place of a lost one.
        connection = sqlite3.connect(
            f"file:{quote(path)}?mode=rw",
            uri=True,
            timeout=LOCK_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
        )
        with closing(connection.cursor()) as cursor:
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
            cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        return connection

    engine = create_engine(url, creator=connect, **pool)

    @event.listens_for(engine, "connect")
    def _remember(_connection: Any, record: Any) -> None:
        record.info["file"] = file_of(url)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer locks at once: one that read first and locked later could find that another came between.
        _check_same_file(connection, url)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITES) else "BEGIN")

    return engine


def file_of(url: URL) -> tuple[int, int] | None:
    """What tells the file at an address from another one that took its place; None where there is none."""
    try:
        status = Path(str(url.database)).stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _check_same_file(connection: Connection, url: URL) -> None:
    """SQLite goes on writing to a file that was removed; what it acknowledges then is lost."""
    file = file_of(url)
    if file != connection.info.get("file"):
        connection.invalidate()
        if file is None:
            raise DatabaseMissing(f"{shown(url)}: the file is gone")
        raise DatabaseUnavailable(f"{shown(url)}: the file was replaced by another one; try again")


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {int(LOCK_TIMEOUT_S * 1_000)}")
        cursor.execute("SET TIME ZONE 'UTC'")
        # Acknowledged means durable, whatever the server's own default is.
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
    connection.commit()
