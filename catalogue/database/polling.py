"""Waiting for a commit to a SQLite file: until its version is another one.

To ask for the version takes some microseconds; to wake up for it takes many times as long. So it is asked for only
after a write to the write-ahead log, of which Linux tells: who commits shares memory with who waits, and so the kernel.

A commit becomes visible some time after its last write, when the log is durable, without another event. A write may
also belong to a transaction that goes on for long, or to the one behind the commit that was just seen. So after each
write the version is asked for again and again, each pause as long as the time since the write: a commit is noticed
within that time of becoming visible, and what is never committed soon costs nothing.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Engine

from catalogue.database.nudge import Nudge
from catalogue.database.opening import file_of, log_of, own
from catalogue.database.watching import Writes

# The pause where no write can be told of.
POLL_S = 0.005
# The shortest pause after a write.
SOON_S = 0.003


class Polling:
    """Compares the number that SQLite changes with each commit of another connection.

    Where no write can be told of, as where the user has no watch left, it compares every ``POLL_S``.

    Args:
        engine: Connections to the file, not pooled.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Any = None
        self._writes: Writes | None = None
        self._file: object = None
        self._version = 0

    def look(self) -> None:
        """See ``waiting.Waiter.look``."""
        file = file_of(self._engine.url)
        if self._file != file:
            self.close()
        if self._connection is None:
            self._connection, self._file = own(self._engine), file
        self._version = self._now()
        # Now there is a log: it is made with the first look, and kept as long as a connection is open.
        self._watch()

    def wait(self, nudge: Nudge, timeout_s: float) -> None:
        """See ``waiting.Waiter.wait``."""
        until = time.monotonic() + timeout_s
        while self._connection is None or self._now() == self._version:
            left = until - time.monotonic()
            if left <= 0 or self._sleep(nudge, left):
                return

    def close(self) -> None:
        """See ``waiting.Waiter.close``."""
        self._unwatch()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _now(self) -> int:
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def _sleep(self, nudge: Nudge, left_s: float) -> bool:
        """Until the version should be asked for again; whether it was a nudge."""
        if self._connection is None:
            return nudge.wait(left_s)
        if self._writes is None:
            return nudge.wait(min(POLL_S, left_s))
        quiet_s = self._writes.quiet_s()
        # A large transaction writes page after page: right after one write no other ends the pause.
        told = () if quiet_s < SOON_S else (self._writes.fileno(),)
        nudged = nudge.wait(min(max(SOON_S, quiet_s), left_s), *told)
        self._writes.take()
        return nudged

    def _watch(self) -> None:
        try:
            if self._writes is None:
                self._writes = Writes(log_of(self._engine.url))
            else:
                self._writes.renew()
        except OSError:
            self._unwatch()

    def _unwatch(self) -> None:
        if self._writes is not None:
            self._writes.close()
            self._writes = None
