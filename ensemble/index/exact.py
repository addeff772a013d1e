"""The exact engine: every row is looked at. The slow twin that all other engines are held to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ensemble.index.columns import Numbers
from ensemble.index.engine import Hits
from ensemble.index.growing import Growing
from ensemble.index.passing import Passing
from ensemble.index.slots import Slots

# Rows within this of the k-th float32 score are scored again in float64: more than BLAS may err by at 4,096 dimensions
# of unit vectors, so that the answer does not depend on how many queries share a batch.
RESCORE_MARGIN = 1e-4
RESCORE_ROWS = 1_024
# numpy turns float16 into float32 at some 4 ns a value, ten times what the product takes: an index of up to this many
# rows keeps them as float32. More than a snapshot may have that is searched by this engine alone.
KEPT_ROWS = 65_536
ROWS_AT_ONCE = 8_192
# A query that may find less than one row in so many has its rows gathered; for others all rows are looked at together.
GATHERED_SHARE = 8

Floats = NDArray[np.float32]


class ExactEngine:
    """Brute force over the slots in numpy.

    Args:
        slots: The index.
    """

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._kept = Growing(np.empty((0, slots.row_dim), np.float32))
        self.added(0)

    def added(self, first: int) -> None:
        """See ``Engine.added``."""
        count = len(self._slots)
        if count <= KEPT_ROWS:
            self._kept.stage(self._slots.rows(np.arange(first, count)).astype(np.float32))
            self._kept.extend(count - first)
        elif len(self._kept):
            self._kept = Growing(np.empty((0, self._slots.row_dim), np.float32))

    def search(
        self,
        queries: Floats,
        counts: Sequence[int],
        passing: Sequence[Passing],
        boosts: Sequence[Floats | None] | None = None,
    ) -> list[Hits]:
        """See ``Engine.search``."""
        wide = [one.count * GATHERED_SHARE >= len(self._slots) for one in passing]
        scanned = iter(self._scores(queries[wide]))
        found = []
        given = [None] * len(queries) if boosts is None else boosts
        for query, count, one, boost, is_wide in zip(queries, counts, passing, given, wide, strict=True):
            scores = next(scanned)[one.slots] if is_wide else self._gathered(one.slots) @ query
            found.append(self._best(query, one.slots, scores, count, boost))
        return found

    def _best(self, query: Floats, slots: Numbers, scores: Floats, count: int, boost: Floats | None) -> Hits:
        if len(slots) > count:
            # In float64: beside a large boost, float32 would lose what rows differ by.
            sums = scores if boost is None else scores + boost[slots].astype(np.float64)
            bound = np.partition(sums, len(slots) - count)[len(slots) - count]
            slots = slots[sums >= bound - RESCORE_MARGIN * max(1.0, float(np.linalg.norm(query)))]
        exact = self._exact(slots, query)
        if boost is not None:
            exact += boost[slots]
        order = np.argsort(-exact, kind="stable")[:count]  # stable over ascending slots: ties by slot
        return Hits(slots[order].astype(np.int64), exact[order].astype(np.float32))

    def _scores(self, queries: Floats) -> Floats:
        """``(queries, slots)``: in float32, of every slot."""
        if not len(queries) or len(self._kept) == len(self._slots):
            scores: Floats = queries @ self._kept.view.T
            return scores
        starts = range(0, len(self._slots), ROWS_AT_ONCE)
        numbers = np.arange(len(self._slots))
        return np.concatenate([queries @ self._gathered(numbers[at : at + ROWS_AT_ONCE]).T for at in starts], axis=1)

    def _gathered(self, slots: Numbers) -> Floats:
        return self._kept.view[slots] if len(self._kept) else self._slots.rows(slots).astype(np.float32)

    def _exact(self, slots: Numbers, query: Floats) -> NDArray[np.float64]:
        """Scores in float64, some rows at a time: where all rows tie, a copy of all would not fit."""
        parts = np.split(slots, range(RESCORE_ROWS, len(slots), RESCORE_ROWS))
        return np.concatenate([(self._gathered(part).astype(np.float64) * query).sum(axis=1) for part in parts])
