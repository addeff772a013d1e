"""Writes to a file, as Linux tells of them."""

from __future__ import annotations

import time
from pathlib import Path

from inotify_simple import INotify, flags


class Writes:
    """When a file was last written to, by whatever process.

    Args:
        path: The file.

    Raises:
        OSError: There is no such file, or the user has no watch left (``fs.inotify.max_user_instances`` and
            ``max_user_watches``).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._watched = -1
        self._last_s = 0.0
        self._events = INotify(nonblocking=True)
        try:
            self.renew()
        except OSError:
            self.close()
            raise

    def renew(self) -> None:
        """Watch the file that is at the path now, where another one took the place of the one that was watched.

        Raises:
            OSError: As at first.
        """
        watched = self._events.add_watch(self._path, flags.MODIFY)
        if watched != self._watched:
            # It may have been written to just before.
            self._watched, self._last_s = watched, time.monotonic()

    def take(self) -> None:
        """Note what has been told; until then the descriptor can be read."""
        if self._events.read(timeout=0):
            self._last_s = time.monotonic()

    def quiet_s(self) -> float:
        """Seconds since the last write that was noted."""
        return time.monotonic() - self._last_s

    def fileno(self) -> int:
        """A descriptor that can be read once the file is written to."""
        return int(self._events.fileno())

    def close(self) -> None:
        """Give the descriptor back."""
        self._events.close()
