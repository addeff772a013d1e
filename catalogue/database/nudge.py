"""What ends a wait from another thread."""

from __future__ import annotations

import contextlib
import os
import select


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
        poll = select.poll()  # unlike select.select it takes descriptors above 1,023
        for descriptor in (self._reader, *others):
            poll.register(descriptor, select.POLLIN)
        ready = [descriptor for descriptor, _ in poll.poll(max(0.0, timeout_s) * 1_000)]
        if self._reader not in ready:
            return False
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 4_096)
        return True

    def close(self) -> None:
        """Give the descriptors back."""
        for end in (self._reader, self._writer):
            os.close(end)
