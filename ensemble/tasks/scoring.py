"""Scores of given products, beside the searches of an engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.index import Slots
from ensemble.index.engines import ANN_FROM_ROWS

Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
# From slots, some of their numbers and a query to the inner products.
Scorer = Callable[[Slots, Numbers, Floats], Doubles]


def scorer_of(slots: Slots) -> Scorer:
    """What scores rows of an index: compiled loops where there are many, which take seconds to be made."""
    if len(slots.base) < ANN_FROM_ROWS:
        return gathered
    from ensemble.index.ann.scoring import scores_in_place

    return scores_in_place


def gathered(slots: Slots, numbers: Numbers, query: Floats) -> Doubles:
    """``(numbers,)`` float64: inner products of some rows with a query; equal rows have equal ones.

    Args:
        slots: The index.
        numbers: Which of its slots.
        query: ``(row_dim,)`` float32.
    """
    # Not a matrix product: its last bits depend on where a row stands, and variants would not tie.
    scores: Doubles = (slots.rows(numbers).astype(np.float64) * query).sum(axis=1)
    return scores


def best_first(scores: NDArray[np.floating[Any]], count: int) -> Numbers:
    """The places of the ``count`` largest scores, the largest first; ties by place.

    >>> best_first(np.array([1.0, 3.0, 2.0, 3.0, 1.0]), 4).tolist()
    [1, 3, 2, 0]
    """
    places = np.arange(len(scores))
    if 0 < count < len(scores):
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        places = np.flatnonzero(scores >= least)
    best: Numbers = places[np.argsort(-scores[places], kind="stable")[:count]]
    return best
