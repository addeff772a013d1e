"""Quality of a ranking against labels: recall, MRR and nDCG, a value for every query.

Definitions are those of torchmetrics' retrieval metrics, which the tests hold these to; a query may have several right
products, each as right as the others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Values = NDArray[np.float64]
Bools = NDArray[np.bool_]

RECALL_CUTOFFS = (1, 5, 10)
NDCG_CUTOFF = 10
METRICS = (*(f"recall@{k}" for k in RECALL_CUTOFFS), "mrr", f"ndcg@{NDCG_CUTOFF}")


def quality(scores: Floats, right: Bools) -> dict[str, Values]:
    """Every metric of ``METRICS``, ``(queries,)`` each.

    Products of equal score stand in the order of the catalogue, so that the same scores always give the same figures.

    Args:
        scores: ``(queries, products)``, higher is better.
        right: ``(queries, products)``, which products are right; one in each row at least.

    Raises:
        ValueError: There are no queries, shapes differ, a score is not finite, or a query has no right product.
    """
    _check(scores, right)
    order = np.argsort(-scores, axis=1, kind="stable")
    hits = np.take_along_axis(right, order, axis=1)
    found = {f"recall@{k}": _recall(hits, k) for k in RECALL_CUTOFFS}
    return found | {"mrr": _reciprocal_rank(hits), f"ndcg@{NDCG_CUTOFF}": _ndcg(hits, NDCG_CUTOFF)}


def _recall(hits: Bools, k: int) -> Values:
    """Share of a query's right products that are among the first ``k``."""
    shares: Values = hits[:, :k].sum(axis=1) / hits.sum(axis=1)
    return shares


def _reciprocal_rank(hits: Bools) -> Values:
    """1 over the rank of the first right product, which is counted from 1."""
    ranks: Values = 1 / (1 + hits.argmax(axis=1))
    return ranks


def _ndcg(hits: Bools, k: int) -> Values:
    """Gains of the right products among the first ``k``, discounted by rank, over those of the best order."""
    width = min(k, hits.shape[1])
    discounts = 1 / np.log2(np.arange(width) + 2)
    best = np.cumsum(discounts)[np.minimum(hits.sum(axis=1), width) - 1]
    gains: Values = hits[:, :width] @ discounts / best
    return gains


def _check(scores: Floats, right: Bools) -> None:
    if scores.ndim != 2 or scores.shape != right.shape:
        raise ValueError(f"`scores` and `right` must be (queries, products), got {scores.shape} and {right.shape}")
    if not scores.size:
        raise ValueError(f"`scores` must not be empty, got {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("`scores` must be finite")
    if not right.any(axis=1).all():
        raise ValueError(f"`right` has no right product for query {int(np.argmin(right.any(axis=1)))}")
