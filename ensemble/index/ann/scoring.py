"""Scores of given rows: read where they lie, in half precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ensemble.index.ann.kernels import bits, score_slots
from ensemble.index.ann.structure import Floats, Numbers
from ensemble.index.slots import Slots


def scores_in_place(slots: Slots, numbers: Numbers, query: Floats) -> NDArray[np.float64]:
    """``(numbers,)`` float64: inner products of some rows with a query; equal rows have equal ones.

    Args:
        slots: The index.
        numbers: Which of its slots.
        query: ``(row_dim,)`` float32.
    """
    scores = np.empty(len(numbers), np.float64)
    rows = bits(slots.base), bits(slots.tail)
    score_slots(*rows, np.ascontiguousarray(numbers, np.int64), np.ascontiguousarray(query, np.float32), scores)
    return scores
