"""Metrics against torchmetrics over rankings of every shape, and against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.retrieval import RetrievalMRR, RetrievalNormalizedDCG, RetrievalRecall

from export.compare.metrics import METRICS, Bools, Floats, quality


def reference(scores: Floats, right: Bools) -> dict[str, float]:
    """Means over the queries by torchmetrics."""
    queries, products = scores.shape
    asked = {
        "recall@1": RetrievalRecall(top_k=1),
        "recall@5": RetrievalRecall(top_k=5),
        "recall@10": RetrievalRecall(top_k=10),
        "mrr": RetrievalMRR(),
        "ndcg@10": RetrievalNormalizedDCG(top_k=10),
    }
    indexes = torch.arange(queries).repeat_interleave(products)
    given = torch.from_numpy(scores).flatten(), torch.from_numpy(right).flatten(), indexes
    return {name: float(metric(*given[:2], indexes=given[2])) for name, metric in asked.items()}


@pytest.mark.parametrize(("queries", "products", "share"), [(1, 1, 1.0), (40, 3, 0.4), (60, 30, 0.02), (50, 25, 0.6)])
def test_metrics_are_those_of_torchmetrics(queries: int, products: int, share: float) -> None:
    rng = np.random.default_rng(products)
    # From 1: torchmetrics takes a product with a score of 0 or less for one that was not found at all.
    scores = rng.permuted(np.tile(np.arange(1, products + 1, dtype=np.float32), (queries, 1)), axis=1)
    right = rng.random((queries, products)) < share
    right[np.arange(queries), rng.integers(products, size=queries)] = True
    ours = {name: values.mean() for name, values in quality(scores, right).items()}
    assert tuple(ours) == METRICS
    assert ours == pytest.approx(reference(scores, right), abs=1e-6)


def test_values_by_hand_with_two_right_products() -> None:
    scores = np.array([[0.9, 0.8, 0.7, 0.6]], np.float32)
    right = np.array([[False, True, False, True]])
    found = {name: values[0] for name, values in quality(scores, right).items()}
    ideal = 1 + 1 / np.log2(3)
    ndcg = (1 / np.log2(3) + 1 / np.log2(5)) / ideal
    assert found == pytest.approx({"recall@1": 0, "recall@5": 1, "recall@10": 1, "mrr": 0.5, "ndcg@10": ndcg})


def test_equal_scores_stand_in_the_order_of_the_catalogue() -> None:
    scores = np.zeros((3, 4), np.float32)
    right = np.eye(4, dtype=bool)[:3]
    np.testing.assert_allclose(quality(scores, right)["mrr"], [1, 1 / 2, 1 / 3])


@pytest.mark.parametrize(
    ("scores", "right", "said"),
    [
        (np.zeros((0, 4)), np.zeros((0, 4), bool), "must not be empty"),
        (np.zeros((2, 0)), np.zeros((2, 0), bool), "must not be empty"),
        (np.zeros((2, 4)), np.ones((2, 3), bool), r"\(2, 4\) and \(2, 3\)"),
        (np.full((1, 2), np.nan), np.ones((1, 2), bool), "must be finite"),
        (np.zeros((2, 2)), np.array([[True, False], [False, False]]), "no right product for query 1"),
    ],
)
def test_what_cannot_be_judged_is_refused(scores: Floats, right: Bools, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        quality(scores.astype(np.float32), right)
