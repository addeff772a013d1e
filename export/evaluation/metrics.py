"""Quality of ranked lists against what was bought, and how mixed the lists are; a value for every question.

Recall, nDCG and reciprocal rank are those of torchmetrics' retrieval metrics, which the tests hold these to. Coverage,
intra-list diversity and novelty are those of Castells, Hurley and Vargas, "Novelty and diversity in recommender
systems" (Recommender Systems Handbook, 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CUTOFFS = (10, 20, 50)
DEPTH = max(CUTOFFS)
NONE = -1

Lists = NDArray[np.int64]
Codes = NDArray[np.int64]
Values = NDArray[np.float64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Relevance:
    """What counts as found.

    Args:
        groups: ``(products,)`` int64, the group of each product, from 0 on. A product of a list is right where its
            group is one of the targets' groups, and counts once a group.
    """

    groups: Codes

    @classmethod
    def strict(cls, products: int) -> Relevance:
        """The very product."""
        return cls(np.arange(products, dtype=np.int64))

    @classmethod
    def by(cls, names: Sequence[str]) -> Relevance:
        """Any product of the same name: of its family, or of its category."""
        return cls(np.unique(np.asarray(names), return_inverse=True)[1].astype(np.int64))

    def hits(self, lists: Lists, targets: Sequence[Codes]) -> tuple[NDArray[np.bool_], Codes]:
        """Which places of each list are right, and how many groups there were to find.

        Args:
            lists: ``(questions, depth)`` places of products, best first, filled up with ``NONE``.
            targets: Places of each question's right products, one at least.

        Returns:
            ``(questions, depth)`` bool, and ``(questions,)`` int64.

        Raises:
            ValueError: Lengths differ, or a question has no target.
        """
        if len(lists) != len(targets) or any(len(target) == 0 for target in targets):
            raise ValueError(f"{len(lists)} lists for {len(targets)} sets of targets; one of at least 1 each is needed")
        right = np.zeros(lists.shape, np.bool_)
        wanted = np.zeros(len(lists), np.int64)
        for at, (listed, target) in enumerate(zip(lists, targets, strict=True)):
            groups = np.where(listed == NONE, NONE, self.groups[listed])
            sought = np.unique(self.groups[target])
            _, first = np.unique(groups, return_index=True)
            right[at, first] = np.isin(groups[first], sought)
            wanted[at] = len(sought)
        return right, wanted


def quality(lists: Lists, targets: Sequence[Codes], relevance: Relevance) -> dict[str, Values]:
    """``recall@k`` and ``ndcg@k`` for every cutoff, ``hit@10`` and ``mrr``, ``(questions,)`` each.

    Args:
        lists: See ``Relevance.hits``.
        targets: Likewise.
        relevance: What counts as found.
    """
    hits, wanted = relevance.hits(lists, targets)
    discounts = 1 / np.log2(np.arange(DEPTH) + 2)
    found: dict[str, Values] = {}
    for k in CUTOFFS:
        best = np.cumsum(discounts)[np.minimum(wanted, k) - 1]
        found[f"recall@{k}"] = hits[:, :k].sum(axis=1) / wanted
        found[f"ndcg@{k}"] = hits[:, :k] @ discounts[: min(k, hits.shape[1])] / best
    found["hit@10"] = hits[:, :10].any(axis=1).astype(np.float64)
    found["mrr"] = np.where(hits.any(axis=1), 1 / (1 + hits.argmax(axis=1)), 0.0)
    return found


def coverage(lists: Lists, products: int, k: int = 10) -> float:
    """Share of the catalogue that stands among the first ``k`` of any list."""
    top = np.unique(lists[:, :k])
    return float((top != NONE).sum() / products)


def diversity(lists: Lists, vectors: Floats, k: int = 10) -> Values:
    """Mean of ``1 - cosine`` over all pairs of the first ``k``; NaN for lists of fewer than two.

    Args:
        lists: As in ``Relevance.hits``.
        vectors: ``(products, dim)`` of length 1, by which no model of the comparison was trained.
        k: How much of a list counts.
    """
    values = np.full(len(lists), np.nan)
    for at, listed in enumerate(lists[:, :k]):
        chosen = vectors[listed[listed != NONE]].astype(np.float64)
        number = len(chosen)
        if number > 1:
            values[at] = 1 - (np.square(chosen.sum(axis=0)).sum() - number) / (number * (number - 1))
    return values


def novelty(lists: Lists, counts: Codes, baskets: int, k: int = 10) -> Values:
    """Mean self-information in bits, ``-log2`` of the share of training baskets that hold a product; NaN for no list.

    Args:
        lists: As in ``Relevance.hits``.
        counts: ``(products,)`` training baskets that hold each; one that none holds counts as held by one.
        baskets: How many training baskets there are.
        k: How much of a list counts.
    """
    bits = -np.log2(np.maximum(counts, 1) / baskets)
    top = lists[:, :k]
    listed = top != NONE
    with np.errstate(invalid="ignore"):
        values: Values = np.where(listed, bits[top], 0.0).sum(axis=1) / listed.sum(axis=1)
    return values
