"""Recall of queries whose right answers are known, by FP32 and by a candidate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from export.compare.metrics import quality
from export.errors import BadEvaluation
from export.gate.values import LABELLED_KS, Labelled
from export.reference import Floats

Values = NDArray[np.float64]
# Query vectors (queries, dim) and what they are compared with (products, dim).
Pair = tuple[Floats, Floats]


def labelled_recall(pair: Pair, right: Mapping[int, Sequence[int]]) -> dict[int, Values]:
    """Recall by ``k``: ``(labelled queries,)``, the share of a query's right products among its first ``k``.

    Args:
        pair: Queries and products; products are ranked by inner product, so weights of a shared space may be in them.
        right: Places of the right products, by place of the query; NaN is the answer where a score is not finite.

    Raises:
        BadEvaluation: No query has right products.
    """
    if not right or not all(right.values()):
        raise BadEvaluation("labelled recall: no query, or one without right products")
    queries, products = pair
    with np.errstate(all="ignore"):  # what is not a number is found below
        scores = queries[list(right)] @ products.T
    truth = np.zeros(scores.shape, bool)
    for row, places in enumerate(right.values()):
        truth[row, list(places)] = True
    if not np.isfinite(scores).all():
        return {k: np.full(len(right), np.nan) for k in LABELLED_KS}
    found = quality(scores, truth)
    return {k: found[f"recall@{k}"] for k in LABELLED_KS}


def compared(reference: Mapping[int, Values], candidate: Mapping[int, Values]) -> Labelled:
    """Means of both."""
    means = [{k: float(values.mean()) for k, values in one.items()} for one in (reference, candidate)]
    return Labelled(len(reference[1]), *means)


def losses(reference: Mapping[int, Values], candidate: Mapping[int, Values]) -> Values:
    """``(labelled queries,)``: what each query lost of recall@1 and recall@5 together."""
    lost: Values = sum((reference[k] - candidate[k] for k in (1, 5)), np.zeros(len(reference[1])))
    return np.where(np.isnan(lost), math.inf, lost)
