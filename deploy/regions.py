"""The shared memory of a server's Python models: it outlives who made it. Standard library alone, for the guard."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from deploy import procfs

# A region is made some moments before it is mapped: one that is not mapped for so long is of another server.
_UNMAPPED_S = 10.0


class Regions:
    """The regions of one server, learned while it runs; make this before the server is started.

    Args:
        clock: Seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._own = set[str]()
        self._others = procfs.all_shm_regions()
        self._unmapped: dict[str, float] = {}

    def look(self, pid: int) -> None:
        """Learn of regions that a process has mapped since the last look.

        Its map is read only while there is a region that nobody is known to have: that of a server has thousands of
        lines.
        """
        if not (new := procfs.all_shm_regions() - self._own - self._others):
            return
        self.note(pid)
        now = self._clock()
        self._unmapped = {name: self._unmapped.get(name, now) for name in new - self._own}
        self._others |= {name for name, since in self._unmapped.items() if now - since >= _UNMAPPED_S}

    def note(self, pid: int) -> None:
        """Learn of all regions that a process has mapped."""
        new = procfs.shm_regions(pid) - self._own
        self._own |= new
        for name in new:
            # The backend lets every user read what callers ask and are answered, whatever the umask says.
            with contextlib.suppress(OSError):
                (procfs.SHM / name).chmod(0o600)

    def remove(self) -> None:
        """Remove all that were learned of."""
        for name in self._own:
            (procfs.SHM / name).unlink(missing_ok=True)
