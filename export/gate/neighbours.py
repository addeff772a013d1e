"""Recall of retrieval: which of FP32's nearest products a candidate finds too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from export.errors import BadEvaluation
from export.reference import Floats

# A product whose FP32 similarity is this near to that of the k-th is as good an answer as the k-th.
EPSILON = 1e-3
# With fewer products than this, half of them are too few for a ranking.
MIN_PRODUCTS = 8
# If more of the catalogue than this counts as an answer, a ranking by chance scores well.
MAX_CHANCE = 0.75

Values = NDArray[np.float64]
Places = NDArray[np.int64]


def measurable(k: int, products: int) -> int:
    """How many neighbours to look at where ``k`` are wanted: at most half of the products.

    Recall at as many as there are products is 1 for any ranking, and it is nearly 1 shortly before. At half of them a
    ranking by chance finds half. The figure keeps its name; the ``k`` that was looked at stands beside it.

    Args:
        k: How many are wanted.
        products: How many could be found, the query's own left out.

    Raises:
        BadEvaluation: There are too few products for any ranking to be judged.
    """
    if products < MIN_PRODUCTS - 1:
        raise BadEvaluation(
            f"{products + 1} product(s) to find; recall needs {MIN_PRODUCTS} at least, and more than 20 for recall@10 "
            "in full: give a larger catalogue, or more of it by `products` in [gate]"
        )
    return min(k, products // 2)


def recall(truth: Floats, found: Floats, own: Places, k: int) -> Values:
    """``(queries,)``: the share of a candidate's ``k`` nearest products that are as near as FP32's ``k``-th.

    The rule of ann-benchmarks (github.com/erikbern/ann-benchmarks, ann_benchmarks/plotting/metrics.py, ``knn``): what
    is found counts if its true similarity is at least that of the true ``k``-th, less ``EPSILON``. So a candidate that
    finds another of several equal products has missed nothing.

    Args:
        truth: ``(queries, products)`` similarities by FP32.
        found: The same by the candidate.
        own: ``(queries,)`` place of the product that the query was taken from, or -1. It is no answer on either side:
            whatever a graph does, an input finds itself.
        k: At least 1, and fewer than the products.
    """
    truth, found = _without(truth, own), _without(found, own)
    nearest = np.argsort(-found, axis=1, kind="stable")[:, :k]
    reached = np.take_along_axis(truth, nearest, axis=1) >= _threshold(truth, k)[:, None]
    shares: Values = reached.mean(axis=1)
    # NaN sorts last, so a row that holds one would be judged by what is left of it.
    return np.where(np.isnan(found).any(axis=1), np.nan, shares)


def require_telling(truth: Floats, own: Places, k: int) -> None:
    """Refuse a catalogue in which nearly any product would count as an answer.

    Raises:
        BadEvaluation: Too many products are as near as the ``k``-th.
    """
    truth = _without(truth, own)
    others = np.isfinite(truth)
    chance = float(((truth >= _threshold(truth, k)[:, None]) & others).sum() / others.sum())
    if not chance <= MAX_CHANCE:
        raise BadEvaluation(
            f"{chance:.0%} of the products are as near as the {k} nearest by FP32 (within {EPSILON:g}), at most "
            f"{MAX_CHANCE:.0%} may be: any ranking would pass; give a catalogue of products that differ"
        )


def _threshold(truth: Floats, k: int) -> Floats:
    kth: Floats = -np.partition(-truth, k - 1, axis=1)[:, k - 1]
    return kth - np.float32(EPSILON)


def _without(scores: Floats, own: Places) -> Floats:
    """A copy in which a query's own product is farther than all others."""
    left = scores.copy()
    rows = np.flatnonzero(own >= 0)
    left[rows, own[rows]] = -np.inf
    return left
