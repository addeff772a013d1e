"""Measures how far an index must be looked into for the recall that is wanted."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from functools import partial

import numpy as np

from ensemble.index.ann.engine import AnnEngine
from ensemble.index.ann.queries import made_up, true_scores
from ensemble.index.ann.structure import Floats, Structure
from ensemble.index.ann.training import SHORT_DIM
from ensemble.index.ann.tuned import COUNTS, RATES, Tuned
from ensemble.index.engine import Hits
from ensemble.index.passing import Passing
from ensemble.index.slots import Slots

# Aimed at on the queries that are tuned with, so that others find 0.99 of their best ten.
TARGET = 0.9925
# Short queries are further from the rows than any mixture of rows is: for 100,000 and 500,000 product titles these were
# needed. Made-up queries can only ask for more.
LEAST_MARGINS = (12.25, 11.5, 10.25)
MARGINS = (6.0, 20.0)
# That was for rows of so many numbers. No row is further from its centroid than the square root of their number times
# the deviation in one direction, so that for shorter rows all margins are shorter by that much.
MEASURED_DIM = 384
# Short rows are of products alone, asked for by products and mixtures of them: for 500,000 of 128 numbers and mixtures
# of up to twenty, wider margins found no more.
LEAST_OF_SHORT = (4.5, 4.25, 3.75)
MADE_UP = 400
CANDIDATES = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1_024, 1_536)
# The codes may lose so much of what may be lost at all.
CODES_SHARE = 1 / 2
STEPS = 6
# A score that BLAS made may be this far from the engine's own.
TOLERANCE = 1e-5


def tune(slots: Slots, structure: Structure, queries: Floats | None, seed: int) -> Tuned:
    """The least that reaches the target.

    Args:
        slots: The index.
        structure: Its lists.
        queries: ``(queries, row_dim)`` float32 like those that will be asked; None to make some up.
        seed: Of what is drawn.
    """
    shorter = _shorter(slots.row_dim)
    asked = made_up(slots.base, MADE_UP, seed) if queries is None else np.ascontiguousarray(queries, np.float32)
    rng = np.random.default_rng(seed)
    masks = [rng.random(len(slots)) < rate for rate in RATES]
    passing = [Passing.of(mask) for mask in masks]
    truth = true_scores(slots.base, asked, max(COUNTS), masks)

    def recall(tuned: Tuned, number: int, count: int) -> float:
        engine = AnnEngine(slots, structure, tuned, direct_rows=0)
        hits = engine.search(asked, [count] * len(asked), [passing[number]] * len(asked))
        return recall_of(hits, truth[number][:, :count])

    few = _least(lambda size: recall(_tuned(shorter * MARGINS[1], size, size), 0, COUNTS[0]))
    many = _least(lambda size: recall(_tuned(shorter * MARGINS[1], few, max(few, size)), 0, COUNTS[1]))
    candidates = (few, max(few, many))

    def recall_with(number: int, margin: float) -> float:
        return recall(_tuned(margin, *candidates), number, COUNTS[0])

    margins = [_bisected(partial(recall_with, number), shorter) for number in range(len(RATES))]
    if queries is None:
        margins = [max(pair) for pair in zip(margins, least_margins(slots.row_dim), strict=True)]
    return Tuned(tuple(margins), candidates)


def least_margins(row_dim: int) -> tuple[float, ...]:
    """What the margins are at least where no queries are known, for each of ``RATES``."""
    if row_dim <= SHORT_DIM:
        return LEAST_OF_SHORT
    return tuple(round(_shorter(row_dim) * margin, 3) for margin in LEAST_MARGINS)


def recall_of(hits: list[Hits], truth: Floats) -> float:
    """Share of the true best scores that were found; of rows with equal scores each is as good."""
    reached = [np.sum(hit.scores >= row[-1] - TOLERANCE) for hit, row in zip(hits, truth, strict=True)]
    return float(np.mean(np.minimum(reached, truth.shape[1])) / truth.shape[1])


def _shorter(row_dim: int) -> float:
    return min(1.0, math.sqrt(row_dim / MEASURED_DIM))


def _tuned(margin: float, few: int, many: int) -> Tuned:
    return Tuned((margin,) * len(RATES), (few, many))


def _least(recall: Callable[[int], float]) -> int:
    """The fewest candidates that lose no more than their share of what may be lost."""
    enough = recall(CANDIDATES[-1]) - CODES_SHARE * (1 - TARGET)
    return CANDIDATES[bisect_left(CANDIDATES, x=True, hi=len(CANDIDATES) - 1, key=lambda size: recall(size) >= enough)]


def _bisected(recall: Callable[[float], float], shorter: float) -> float:
    low, high = (shorter * margin for margin in MARGINS)
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if recall(middle) >= TARGET else (middle, high)
    return round(high, 3)
