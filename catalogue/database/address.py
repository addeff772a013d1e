"""Addresses of databases: which are allowed, and how they are shown without their password."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from catalogue.errors import DatabaseUnusable

ALLOWED = "sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST:PORT/NAME"

_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_SECRETS = ("password", "passfile", "sslpassword")


def parse(url: str) -> URL:
    """Read the address of a database.

    Args:
        url: ``sqlite:///FILE``, where a relative path starts at the working directory, or ``postgresql+psycopg://...``.

    Returns:
        The address with its driver; the path of a file is absolute.

    Raises:
        DatabaseUnusable: Not an address, of another kind of database, of one in memory, or with an ``@`` that is not
            escaped.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise DatabaseUnusable(f"the catalogue's address cannot be read; allowed: {ALLOWED}") from None
    if parsed.drivername not in _DRIVERS:
        raise DatabaseUnusable(f"{parsed.drivername}:// is not a database of catalogues; allowed: {ALLOWED}")
    parsed = parsed.set(drivername=_DRIVERS[parsed.drivername])
    if parsed.drivername == "sqlite":
        return _file(parsed)
    if "@" in f"{parsed.host}{parsed.database}":  # the rest of a password: it is not shown
        raise DatabaseUnusable(
            f"the catalogue's address has an @ too many; write %40 in a password; allowed: {ALLOWED}"
        )
    return parsed


def shown(url: URL) -> str:
    """An address as errors and logs show it."""
    kept = url.difference_update_query([name for name in url.query if name.casefold() in _SECRETS])
    return kept.render_as_string(hide_password=True)


def _file(url: URL) -> URL:
    name = url.database or ""
    if not name or name == ":memory:" or name.startswith("file:"):
        raise DatabaseUnusable(f"{shown(url)}: a database in memory is lost with its program; allowed: sqlite:///FILE")
    if url.query:
        raise DatabaseUnusable(f"{shown(url)}: a SQLite address takes no options; allowed: sqlite:///FILE")
    return url.set(database=str(Path(name).absolute()))
