"""The exact engine: every row is looked at. The slow twin that all other engines are held to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ensemble.index.columns import Mask
from ensemble.index.engine import Hits
from ensemble.index.slots import Slots

# Rows within this of the k-th float32 score are scored again in float64: more than BLAS may err by at 4,096 dimensions
# of unit vectors, so that the answer does not depend on how many queries share a batch.
RESCORE_MARGIN = 1e-4
RESCORE_ROWS = 1_024


class ExactEngine:
    """Brute force over the slots in numpy.

    Args:
        slots: The index.
    """

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._valid = np.flatnonzero(slots.valid)

    def search(self, queries: NDArray[np.float32], counts: Sequence[int], masks: Sequence[Mask | None]) -> list[Hits]:
        """See ``Engine.search``."""
        scores = queries @ self._slots.vectors.T
        return [self._best(*row) for row in zip(queries, scores, counts, masks, strict=True)]

    def _best(self, query: NDArray[np.float32], scores: NDArray[np.float32], count: int, mask: Mask | None) -> Hits:
        slots = self._valid if mask is None else self._valid[mask[self._valid]]
        if len(slots) > count:
            passing = scores[slots]
            bound = np.partition(passing, len(slots) - count)[len(slots) - count]
            slots = slots[passing >= bound - RESCORE_MARGIN]
        exact = self._exact(slots, query)
        order = np.argsort(-exact, kind="stable")[:count]  # stable over ascending slots: ties by slot
        return Hits(slots[order].astype(np.int64), exact[order].astype(np.float32))

    def _exact(self, slots: NDArray[np.int64], query: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores in float64, some rows at a time: where all rows tie, a copy of all would not fit."""
        parts = np.split(slots, range(RESCORE_ROWS, len(slots), RESCORE_ROWS))
        return np.concatenate([(self._slots.vectors[part].astype(np.float64) * query).sum(axis=1) for part in parts])
