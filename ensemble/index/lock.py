"""A lock that many searches hold together, and one change alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class SharedLock:
    """Readers together, or one writer.

    A writer waits for the readers that are inside and holds back those that come after it, so that neither starves the
    other. A thread must not read again while it reads: a writer between the two would wait for ever.
    """

    def __init__(self) -> None:
        self._entrance = threading.Lock()
        self._left = threading.Condition()
        self._readers = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the lock together with other readers."""
        with self._entrance, self._left:
            self._readers += 1
        try:
            yield
        finally:
            with self._left:
                self._readers -= 1
                self._left.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock alone."""
        with self._entrance, self._left:
            self._left.wait_for(lambda: not self._readers)
            yield
