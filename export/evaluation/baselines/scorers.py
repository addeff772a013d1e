"""Scores of all products for what is asked about; learned from the training events alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from export.evaluation.baskets import Baskets
from export.evaluation.choosing import NEVER, Scores
from export.evaluation.shop import Shop

Codes = NDArray[np.int64]
# Baskets that two products would have to share by chance before a few that they do share count in full.
SHRINKAGE = 20.0


class Scorer(Protocol):
    """What a baseline knows."""

    def scores(self, asked: Sequence[Codes]) -> Scores:
        """``(questions, products)`` float32, higher is better; ``NEVER`` for what it cannot recommend.

        Args:
            asked: Places of the products that each question is about.
        """


@dataclass(frozen=True)
class Popular:
    """Training baskets that hold a product, whatever is asked.

    Args:
        counts: ``(products,)`` of them.
    """

    counts: Codes

    def scores(self, asked: Sequence[Codes]) -> Scores:
        """See ``Scorer.scores``; a product that was never sold is never recommended."""
        one = np.where(self.counts > 0, self.counts, NEVER).astype(np.float32)
        return np.broadcast_to(one, (len(asked), len(one)))


@dataclass(frozen=True)
class Together:
    """Item-based nearest neighbours (Sarwar et al. 2001; Deshpande and Karypis 2004): how often products were together.

    Args:
        matrix: ``(products, products)`` sparse, similarity of each two; scores of several products add up.
    """

    matrix: Any

    @classmethod
    def counted(cls, baskets: Any) -> Together:
        """By the number of baskets that hold both.

        Args:
            baskets: See ``basket_matrix``.
        """
        return cls(_together(baskets))

    @classmethod
    def cosine(cls, baskets: Any, shrinkage: float = SHRINKAGE) -> Together:
        """By ``n_ij / (sqrt(n_i n_j) + shrinkage)``: few baskets say little, and popular products are in all.

        Args:
            baskets: See ``basket_matrix``.
            shrinkage: Baskets that two products would share by chance.
        """
        counts = _together(baskets).tocoo()
        size = held(baskets).astype(np.float64)
        counts.data = counts.data / (np.sqrt(size[counts.row] * size[counts.col]) + shrinkage)
        return cls(counts.tocsr())

    def scores(self, asked: Sequence[Codes]) -> Scores:
        """See ``Scorer.scores``; products that were never together with one of those asked are never recommended."""
        sums = (_indicator(asked, self.matrix.shape[0]) @ self.matrix).toarray().astype(np.float32)
        return np.where(sums > 0, sums, NEVER)


@dataclass(frozen=True)
class Vectors:
    """Nearness to the mean of the vectors that are asked about.

    Args:
        vectors: ``(products, dim)`` of length 1; a product without one has zeros.
    """

    vectors: NDArray[np.float32]

    def scores(self, asked: Sequence[Codes]) -> Scores:
        """See ``Scorer.scores``."""
        means = np.stack([self.vectors[places].sum(axis=0) for places in asked])
        known = np.linalg.norm(self.vectors, axis=1) > 0
        scores = means @ self.vectors.T
        scores[:, ~known] = NEVER
        scores[~means.any(axis=1)] = NEVER
        found: Scores = scores.astype(np.float32)
        return found


def basket_matrix(shop: Shop, *, viewed: bool = False) -> Any:
    """``(baskets, products)`` sparse ones, of the training.

    Args:
        shop: The catalogue and its events.
        viewed: Of what was viewed in one visit, in place of what was bought in one order.
    """
    baskets = Baskets.of(shop.split.before, shop, viewed=viewed)
    return _indicator(baskets.items, len(shop))


def customer_matrix(shop: Shop) -> Any:
    """``(customers, products)`` sparse ones: what each customer bought in the training."""
    baskets = Baskets.of(shop.split.before, shop)
    bought: dict[str, list[Codes]] = {}
    for items, user in zip(baskets.items, baskets.users, strict=True):
        if user:
            bought.setdefault(user, []).append(items)
    return _indicator([np.unique(np.concatenate(each)) for each in bought.values()], len(shop))


def held(ones: Any) -> Codes:
    """``(products,)`` rows of a matrix of ones that hold each product."""
    counts: Codes = np.asarray(ones.sum(axis=0)).ravel().astype(np.int64)
    return counts


def _together(ones: Any) -> Any:
    counts = (ones.T @ ones).tolil()
    counts.setdiag(0)
    return counts.tocsr()


def _indicator(sets: Sequence[Codes], width: int) -> Any:
    from scipy.sparse import csr_matrix

    ends = np.cumsum([0, *map(len, sets)])
    places = np.concatenate([*sets, np.zeros(0, np.int64)])
    return csr_matrix((np.ones(len(places), np.float32), places, ends), shape=(len(sets), width))
