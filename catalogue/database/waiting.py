"""Waiting for a commit: until a notification of PostgreSQL comes, or the version of a SQLite file is another one."""

from __future__ import annotations

import contextlib
import os
import select
import time
from typing import Any, Protocol

from sqlalchemy import Engine

from catalogue.database.opening import file_of
from catalogue.database.schema import CHANNEL

# A poll takes some microseconds: it reads a counter in memory that the file's connections share.
POLL_S = 0.005


class Nudge:
    """Wakes one thread that waits, from any other."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)

    def give(self) -> None:
        """Wake the thread that waits, or else the next that does."""
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._writer, b"!")

    def wait(self, timeout_s: float, *others: int) -> bool:
        """Sleep until a nudge, or until one of other descriptors can be read; whether it was a nudge."""
        ready, _, _ = select.select([self._reader, *others], [], [], max(0.0, timeout_s))
        if self._reader not in ready:
            return False
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 4_096)
        return True

    def close(self) -> None:
        """Give the descriptors back."""
        for end in (self._reader, self._writer):
            os.close(end)


class Waiter(Protocol):
    """Notices commits; for one thread at a time."""

    def look(self) -> None:
        """Begin to notice: called before what is there is read, so that nothing falls between."""

    def wait(self, nudge: Nudge, timeout_s: float) -> None:
        """Return as soon as something was committed since ``look``, on a nudge, or after ``timeout_s``."""

    def close(self) -> None:
        """Close what is open; ``look`` opens it again."""


def waiter_of(engine: Engine) -> Waiter:
    """The waiter for a database."""
    return _Polling(engine) if engine.dialect.name == "sqlite" else _Listening(engine)


class _Polling:
    """Compares the number that SQLite changes with each commit of another connection."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Any = None
        self._file: object = None
        self._version = 0

    def look(self) -> None:
        """See ``Waiter.look``."""
        file = file_of(self._engine.url)
        if self._file != file:
            self.close()
        if self._connection is None:
            self._connection, self._file = _own(self._engine), file
        self._version = self._now()

    def wait(self, nudge: Nudge, timeout_s: float) -> None:
        """See ``Waiter.wait``."""
        until = time.monotonic() + timeout_s
        while self._connection is None or self._now() == self._version:
            left = until - time.monotonic()
            if left <= 0 or nudge.wait(left if self._connection is None else min(POLL_S, left)):
                return

    def close(self) -> None:
        """See ``Waiter.close``."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _now(self) -> int:
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(version)


class _Listening:
    """Listens to the notification that each write transaction sends as it commits."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Any = None
        self._noticed = False

    def look(self) -> None:
        """See ``Waiter.look``."""
        if self._connection is None:
            self._connection = _own(self._engine)
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


def _own(engine: Engine) -> Any:
    """A connection of the driver that no pool takes back."""
    connection = engine.raw_connection()
    connection.detach()
    return connection.dbapi_connection
