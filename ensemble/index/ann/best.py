"""The best rows that one query has found so far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ensemble.index.ann.kernels import bits, take
from ensemble.index.ann.structure import Floats, Numbers
from ensemble.index.engine import Hits
from ensemble.index.slots import Rows

NO_BOOST: Floats = np.empty(0, np.float32)


class Best:
    """Rows by their exact scores, best first; ties by slot.

    Args:
        base: ``(base slots, row_dim)``: the bits of the rows of a snapshot.
        tail: ``(tail slots, row_dim)`` float16: those that came since.
        query: ``(row_dim,)`` float32, contiguous.
        wanted: How many rows are kept.
        boost: ``(slots,)`` float32: what is added to the score of each slot; empty for nothing.
    """

    def __init__(
        self, base: NDArray[np.uint16], tail: Rows, query: Floats, wanted: int, boost: Floats = NO_BOOST
    ) -> None:
        self._base, self._tail, self._query, self._boost = base, bits(tail), query, boost
        self._slots, self._scores, self._found = np.empty(wanted, np.int64), np.empty(wanted, np.float64), 0

    def take(self, slots: Numbers) -> None:
        """Score rows that were not scored before; a negative slot is none."""
        if len(self._slots):
            looked_at = (self._base, self._tail, slots, self._query, self._boost)
            self._found = take(*looked_at, self._found, self._slots, self._scores)

    @property
    def is_full(self) -> bool:
        """Whether as many were found as are wanted."""
        return self._found == len(self._slots)

    @property
    def worst(self) -> np.float32:
        """The score that another row must beat; negative infinity while there is room."""
        return np.float32(self._scores[-1]) if self.is_full else np.float32(-np.inf)

    @classmethod
    def joined(cls, parts: Sequence[Best], wanted: int) -> Hits:
        """What was found by several that each scored other rows."""
        slots = np.concatenate([part._slots[: part._found] for part in parts])
        scores = np.concatenate([part._scores[: part._found] for part in parts])
        order = np.lexsort((slots, -scores))[:wanted]
        return Hits(slots[order], scores[order].astype(np.float32))

    def hits(self) -> Hits:
        """What was found."""
        return Hits(self._slots[: self._found], self._scores[: self._found].astype(np.float32))
