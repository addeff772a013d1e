"""Connections to a catalogue, and the settings that make what it acknowledges last.

What is bounded: the wait for a lock, the wait for a connection, and the silence of a machine that is gone. A PostgreSQL
that is there and does not answer, as one that was stopped by a signal, is noticed by what is opened with
``Patience.answer_s``, as served writes are. Everything else (the command line, exports, the followers of the journal,
the keeper) waits until it goes on: no bound would tell it from a long statement.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from catalogue.database.address import shown
from catalogue.database.patience import PATIENT, Patience
from catalogue.errors import DatabaseMissing, DatabaseUnavailable, DatabaseUnusable

SLICE_S = 0.1
POOL_TIMEOUT_S = 30.0
WAL_BYTES = 64 * 1024 * 1024
CACHE_KIB = 16 * 1024
WRITES = "catalogue_writes"

# A server that is gone without a word is noticed within this, not after the kernel's quarter of an hour.
_KEEPALIVE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


def engine_of(url: URL, patience: Patience = PATIENT, *, pooled: bool = True) -> Engine:
    """Connections to a database; none is made yet.

    Args:
        url: From ``address.parse``.
        patience: How long it is waited for.
        pooled: Keep some open for many threads, rather than one a caller.

    Raises:
        DatabaseUnusable: The driver for this database is not installed.
    """
    pool: dict[str, Any] = {"pool_timeout": POOL_TIMEOUT_S} if pooled else {"poolclass": NullPool}
    if url.drivername == "sqlite":
        return _sqlite(url, patience, pool)
    bounds = {"connect_timeout": patience.connect_s, **_KEEPALIVE}
    query = {name: str(value) for name, value in bounds.items() if name not in url.query}
    try:
        engine = create_engine(url.update_query_dict(query), pool_pre_ping=pooled, **pool)
    except ModuleNotFoundError as error:
        needed = f"{error.name} is not installed; install it with `pip install 'tandem[postgres]'`"
        raise DatabaseUnusable(f"{shown(url)}: {needed}") from error
    _prepare_postgresql(engine, patience)
    return engine


def own(engine: Engine) -> Any:
    """A connection of the driver that no pool takes back."""
    connection = engine.raw_connection()
    connection.detach()
    return connection.dbapi_connection


def begin_writing(connection: Connection) -> Connection:
    """Mark a connection: its next transaction writes."""
    return connection.execution_options(**{WRITES: True})


def begin_reading(connection: Connection) -> Connection:
    """Mark a connection: its next transaction reads one state of the whole database."""
    if connection.dialect.name == "sqlite":
        return connection
    return connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _sqlite(url: URL, patience: Patience, pool: dict[str, Any]) -> Engine:
    path = str(url.database)

    def connect() -> sqlite3.Connection:
        if file_of(url) is None:
            raise DatabaseMissing(f"{shown(url)}: the file is gone")
        # mode=rw: SQLite would make a missing file, and an empty catalogue in the place of a lost one.
        connection = sqlite3.connect(
            f"file:{quote(path)}?mode=rw",
            uri=True,
            timeout=patience.lock_s,
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
        driver: Any = connection.connection.dbapi_connection
        if connection.get_execution_options().get(WRITES):
            _lock(driver, patience)
        else:
            driver.execute("BEGIN")

    return engine


def _lock(connection: Any, patience: Patience) -> None:
    """Begin a write; the wait for other writers is sliced, so that it can be ended."""
    until = time.monotonic() + patience.lock_s
    try:
        while not _locked(connection, until - time.monotonic()):
            patience.check()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(patience.lock_s * 1_000)}")


def _locked(connection: Any, left_s: float) -> bool:
    """Whether the lock was got within one slice; where no time is left, an error tells that it was not."""
    connection.execute(f"PRAGMA busy_timeout = {int(max(0.0, min(SLICE_S, left_s)) * 1_000)}")
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if left_s <= 0 or not error.sqlite_errorname.startswith("SQLITE_BUSY"):
            raise
        return False
    return True


def file_of(url: URL) -> tuple[int, int] | None:
    """What tells the file at an address from another one that took its place; None where there is none."""
    try:
        status = Path(str(url.database)).stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def log_of(url: URL) -> Path:
    """The write-ahead log of the file at an address: beside the file itself, also where the address is a link to it."""
    file = Path(str(url.database)).resolve()
    return file.with_name(f"{file.name}-wal")


def _check_same_file(connection: Connection, url: URL) -> None:
    """SQLite goes on writing to a file that was removed; what it acknowledges then is lost."""
    file = file_of(url)
    if file != connection.info.get("file"):
        connection.invalidate()
        if file is None:
            raise DatabaseMissing(f"{shown(url)}: the file is gone")
        raise DatabaseUnavailable(f"{shown(url)}: the file was replaced by another one; try again")


def _prepare_postgresql(engine: Engine, patience: Patience) -> None:
    @event.listens_for(engine, "connect")
    def _set(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {int(patience.lock_s * 1_000)}")
            cursor.execute("SET TIME ZONE 'UTC'")
            # Acknowledged means durable, whatever the server's own default is.
            cursor.execute(
                "SELECT set_config('synchronous_commit', 'on', false)"
                " WHERE current_setting('synchronous_commit') = 'off'"
            )
        connection.commit()

    if patience.answer_s is not None:
        from catalogue.database.answering import bounded  # psycopg is only where it is used

        kind = bounded(patience.answer_s)
        event.listen(engine, "do_connect", lambda _dialect, _record, args, options: kind.connect(*args, **options))
