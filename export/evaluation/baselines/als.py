"""Matrix factorisation by alternating least squares (Hu, Koren and Volinsky 2008), by the library ``implicit``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from export.evaluation.baselines.scorers import Codes, Vectors, _indicator, basket_matrix, customer_matrix, held
from export.evaluation.choosing import NEVER, Scores
from export.evaluation.shop import Shop

FACTORS, REGULARIZATION, ALPHA, ITERATIONS, SEED = 128, 0.05, 10.0, 20, 7


@dataclass(frozen=True)
class FoldedIn:
    """Scores for a customer who is known by what was bought: the customer's factors are solved for, items' stay.

    Args:
        model: Trained on customers and items.
        sold: ``(products,)`` bool, which products were sold in the training.
    """

    model: Any
    sold: Any

    def scores(self, asked: Sequence[Codes]) -> Scores:
        """See ``Scorer.scores``."""
        bought = _indicator(asked, len(self.sold))
        with _one_thread():
            customers = self.model.recalculate_user(np.arange(len(asked)), bought)
        scores: Scores = (customers @ self.model.item_factors.T).astype(np.float32)
        scores[:, ~self.sold] = NEVER
        scores[bought[:, self.sold].sum(axis=1).A1 == 0] = NEVER
        return scores


def of_baskets(baskets: Any) -> Vectors:
    """Cosine of item factors that were trained on baskets: products that are bought, or viewed, in the same ones.

    Args:
        baskets: See ``basket_matrix``.
    """
    model = _trained(baskets)
    factors = model.item_factors.astype(np.float32)
    lengths = np.linalg.norm(factors, axis=1, keepdims=True)
    known = (held(baskets) > 0)[:, None] & (lengths > 0)
    return Vectors(np.where(known, factors / np.maximum(lengths, np.finfo(np.float32).tiny), 0.0).astype(np.float32))


def of_customers(shop: Shop) -> FoldedIn:
    """Factors that were trained on all that a customer bought."""
    return FoldedIn(_trained(customer_matrix(shop)), held(basket_matrix(shop)) > 0)


def _trained(ones: Any) -> Any:
    from implicit.als import AlternatingLeastSquares

    with _one_thread():
        model = AlternatingLeastSquares(
            factors=min(FACTORS, *ones.shape),
            regularization=REGULARIZATION,
            alpha=ALPHA,
            iterations=ITERATIONS,
            num_threads=1,
            random_state=SEED,
            use_gpu=False,
        )
        model.fit(ones.tocsr(), show_progress=False)
    return model


def _one_thread() -> Any:
    """BLAS within one thread, as ``implicit`` asks for; its own threads would fight with BLAS's."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, "blas")
