"""The databases' own errors in the words of this package."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from catalogue.errors import DatabaseError, DatabaseUnavailable, DatabaseUnusable, WriteFailed

_AGAIN = "nothing was written; try again"

# By the beginning of the SQLSTATE, the longest first; see appendix A of PostgreSQL's manual.
_STATES: tuple[tuple[str, type[DatabaseError], str], ...] = (
    ("53100", WriteFailed, "the disk of the database is full; nothing was written"),
    ("25006", WriteFailed, "the database is read-only; nothing was written"),
    ("42501", WriteFailed, "the user may not do this; nothing was written"),
    ("55P03", DatabaseUnavailable, f"other writers hold the database for too long; {_AGAIN}"),
    ("57014", DatabaseUnavailable, f"the statement took too long; {_AGAIN}"),
    ("40", DatabaseUnavailable, f"the transaction was called off; {_AGAIN}"),
    ("53", DatabaseUnavailable, f"the database is out of resources; {_AGAIN}"),
    ("58", WriteFailed, "the database's files cannot be read or written; nothing was written"),
    ("42P01", DatabaseUnusable, "its tables are gone"),
    ("57P", DatabaseUnavailable, "the connection was lost; try again"),
    ("08", DatabaseUnavailable, "the connection was lost; try again"),
)
_CODES: tuple[tuple[str, type[DatabaseError], str], ...] = (
    ("SQLITE_FULL", WriteFailed, "the disk is full, or the file has reached its limit; nothing was written"),
    ("SQLITE_READONLY", WriteFailed, "the file cannot be written; nothing was written"),
    ("SQLITE_IOERR", WriteFailed, "the file cannot be read or written; nothing was written"),
    ("SQLITE_BUSY", DatabaseUnavailable, f"other writers hold the database for too long; {_AGAIN}"),
    ("SQLITE_LOCKED", DatabaseUnavailable, f"other writers hold the database for too long; {_AGAIN}"),
    ("SQLITE_CANTOPEN", DatabaseUnavailable, "the file cannot be opened; try again"),
    ("SQLITE_CORRUPT", DatabaseUnusable, "the file is damaged"),
    ("SQLITE_NOTADB", DatabaseUnusable, "the file is no SQLite database"),
)


@contextmanager
def told(address: str) -> Iterator[None]:
    """Raise what a database raises as an error of this package.

    Args:
        address: The database, as it may be shown.

    Raises:
        DatabaseError: Names the database and what is to be done.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, (SQLAlchemyError, *_native("Error"))):
            raise translated(error, address) from error
        raise


def translated(error: Exception, address: str) -> DatabaseError:
    """One error of a database as an error of this package."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or ""
    table = _CODES if code.startswith("SQLITE") else _STATES
    for start, kind, words in table:
        if code.startswith(start):
            return kind(f"{address}: {words} ({_first_line(cause)})")
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if lost or isinstance(cause, (*_native("OperationalError"), *_native("InterfaceError"))):
        return DatabaseUnavailable(f"{address}: cannot be reached; try again ({_first_line(cause)})")
    return DatabaseError(f"{address}: {type(cause).__name__}: {_first_line(cause)}")


def _native(name: str) -> tuple[type[Exception], ...]:
    """An exception of each driver that is loaded; psycopg is only where a catalogue on PostgreSQL is used."""
    drivers = (sqlite3, sys.modules.get("psycopg"))
    return tuple(getattr(driver, name) for driver in drivers if driver is not None)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
