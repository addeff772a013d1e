"""Queries to tune an index with where nobody gave any, and their true answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ensemble.index.ann.structure import Floats, Numbers
from ensemble.index.slots import Rows

BLOCK = 16_384
# A made-up query is a row with so much of another one mixed in: between products, as what shoppers type mostly is.
OTHER_SHARE = (0.3, 0.7)


def made_up(rows: Rows, count: int, seed: int) -> Floats:
    """``(count, row_dim)``: unit mixtures of two rows each."""
    rng = np.random.default_rng(seed)
    one, other = (rows[np.sort(rng.choice(len(rows), count))].astype(np.float32) for _ in range(2))
    share = rng.uniform(*OTHER_SHARE, (count, 1)).astype(np.float32)
    mixed = (1 - share) * one + share * rng.permutation(other)
    unit: Floats = mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return unit


def true_scores(rows: Rows, queries: Floats, count: int, masks: Sequence[NDArray[np.bool_]]) -> list[Floats]:
    """For each mask ``(queries, count)``: each query's best scores among the rows that pass, best first."""
    best = [np.full((len(queries), count), -np.inf, np.float32) for _ in masks]
    for first in range(0, len(rows), BLOCK):
        scores = queries @ rows[first : first + BLOCK].astype(np.float32).T
        for number, mask in enumerate(masks):
            passing: Numbers = np.flatnonzero(mask[first : first + BLOCK])
            both = np.concatenate([best[number], scores[:, passing]], axis=1)
            best[number] = -np.partition(-both, count - 1, axis=1)[:, :count]
    return [np.sort(scores, axis=1)[:, ::-1] for scores in best]
