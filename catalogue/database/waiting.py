"""Waiting for a commit: until a notification of PostgreSQL comes, or the version of a SQLite file is another one."""

from __future__ import annotations

import time
from typing import Any, Protocol

from sqlalchemy import Engine
from sqlalchemy.engine import URL

from catalogue.database.nudge import Nudge
from catalogue.database.opening import engine_of, own
from catalogue.database.polling import Polling
from catalogue.database.schema import CHANNEL


class Waiter(Protocol):
    """Notices commits; for one thread at a time."""

    def look(self) -> None:
        """Begin to notice: called before what is there is read, so that nothing falls between."""

    def wait(self, nudge: Nudge, timeout_s: float) -> None:
        """Return as soon as something was committed since ``look``, on a nudge, or after ``timeout_s``."""

    def close(self) -> None:
        """Close what is open; ``look`` opens it again."""


def waiter_of(url: URL) -> Waiter:
    """The waiter for a database.

    Args:
        url: From ``address.parse``.

    Raises:
        DatabaseUnusable: The driver for this database is not installed.
    """
    # Nothing is pooled: a connection from before a file was replaced would never see another commit.
    engine = engine_of(url, pooled=False)
    return Polling(engine) if engine.dialect.name == "sqlite" else _Listening(engine)


class _Listening:
    """Listens to the notification that each write transaction sends as it commits."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Any = None
        self._noticed = False

    def look(self) -> None:
        """See ``Waiter.look``."""
        if self._connection is None:
            self._connection = own(self._engine)
            self._connection.autocommit = True
            self._connection.execute(f"LISTEN {CHANNEL}")
        self._take()
        self._noticed = False

    def wait(self, nudge: Nudge, timeout_s: float) -> None:
        """See ``Waiter.wait``."""
        if self._connection is None:
            nudge.wait(timeout_s)
            return
        until = time.monotonic() + timeout_s
        self._take()
        while not self._noticed:
            left = until - time.monotonic()
            if left <= 0 or nudge.wait(left, self._connection.fileno()):
                return
            self._take()

    def close(self) -> None:
        """See ``Waiter.close``."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _take(self) -> None:
        """Read what has come, without waiting."""
        protocol = self._connection.pgconn
        protocol.consume_input()
        while protocol.notifies() is not None:
            self._noticed = True
