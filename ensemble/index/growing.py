"""An array that grows at its end, in amortised constant time a row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST = 1_024


class Growing:
    """The first ``len`` rows of a larger buffer.

    What lies beyond the length is private to the one who appends: it is written first, and seen once ``extend`` has
    moved the length. Views that readers hold of an outgrown buffer stay as they were.

    Args:
        start: The first rows, which are copied; their type and trailing shape are the array's.
    """

    def __init__(self, start: NDArray[Any]) -> None:
        self._buffer = start.copy()
        self.view: NDArray[Any] = self._buffer[:]

    def __len__(self) -> int:
        return len(self.view)

    @property
    def nbytes(self) -> int:
        """The memory that it takes, with what is spare."""
        return self._buffer.nbytes

    def stage(self, rows: NDArray[Any]) -> None:
        """Write rows beyond the end, where nobody sees them yet."""
        needed = len(self) + len(rows)
        if needed > len(self._buffer):
            # Pages of the spare half are not in memory until they are written.
            larger = np.empty((max(LEAST, needed + needed // 2), *self._buffer.shape[1:]), self._buffer.dtype)
            larger[: len(self)] = self.view
            self._buffer = larger
        self._buffer[len(self) : needed] = rows

    def extend(self, count: int) -> None:
        """Move the end over ``count`` staged rows."""
        self.view = self._buffer[: len(self) + count]
