"""Metrics against torchmetrics, and against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.retrieval import RetrievalHitRate, RetrievalMRR, RetrievalNormalizedDCG, RetrievalRecall
from torchmetrics.retrieval.base import RetrievalMetric

from export.evaluation.metrics import CUTOFFS, DEPTH, NONE, Codes, Relevance, coverage, diversity, novelty, quality


def reference(lists: Codes, targets: list[Codes], products: int) -> dict[str, float]:
    """Means by torchmetrics, which wants a score for every product: what is not listed has the least."""
    scores = np.zeros((len(lists), products), np.float32)
    right = np.zeros((len(lists), products), np.bool_)
    for row, (listed, target) in enumerate(zip(lists, targets, strict=True)):
        kept = listed[listed != NONE]
        scores[row, kept] = np.arange(len(kept), 0, -1)
        right[row, target] = True
    asked: dict[str, RetrievalMetric] = {f"recall@{k}": RetrievalRecall(top_k=k) for k in CUTOFFS}
    asked |= {f"ndcg@{k}": RetrievalNormalizedDCG(top_k=k) for k in CUTOFFS}
    asked |= {"hit@10": RetrievalHitRate(top_k=10), "mrr": RetrievalMRR(top_k=DEPTH)}
    indexes = torch.arange(len(lists)).repeat_interleave(products)
    given = torch.from_numpy(scores).flatten(), torch.from_numpy(right).flatten()
    return {name: float(metric(*given, indexes=indexes)) for name, metric in asked.items()}


@pytest.mark.parametrize(("questions", "products", "most"), [(1, 60, 1), (40, 80, 3), (60, 200, 30)])
def test_metrics_are_those_of_torchmetrics(questions: int, products: int, most: int) -> None:
    random = np.random.default_rng(products)
    lists = np.stack([random.permutation(products)[:DEPTH] for _ in range(questions)])
    targets = [random.permutation(products)[: random.integers(1, most + 1)] for _ in range(questions)]
    found = {name: values.mean() for name, values in quality(lists, targets, Relevance.strict(products)).items()}
    assert found == pytest.approx(reference(lists, targets, products), abs=1e-6)


def padded(*lists: list[int]) -> Codes:
    return np.array([[*one, *[NONE] * (DEPTH - len(one))] for one in lists], np.int64)


def test_values_by_hand() -> None:
    found = quality(padded([5, 1, 6, 2], []), [np.array([1, 2, 9]), np.array([3])], Relevance.strict(10))
    discounts = 1 / np.log2(np.array([2, 3, 4, 5]))
    ndcg = (discounts[1] + discounts[3]) / discounts[:3].sum()
    assert found["recall@10"].tolist() == pytest.approx([2 / 3, 0])
    assert found["ndcg@10"].tolist() == pytest.approx([ndcg, 0])
    assert found["mrr"].tolist() == [0.5, 0]
    assert found["hit@10"].tolist() == [1, 0]


def test_a_family_counts_once() -> None:
    families = Relevance.by(["mug", "mug", "mug", "cup", "jug"])
    found = quality(padded([1, 2, 4]), [np.array([0, 3])], families)
    assert found["recall@10"].tolist() == [0.5]
    assert found["ndcg@10"].tolist() == pytest.approx([1 / (1 + 1 / np.log2(3))])
    assert found["mrr"].tolist() == [1]


def test_questions_need_targets() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        quality(padded([1]), [np.array([], np.int64)], Relevance.strict(3))
    with pytest.raises(ValueError, match="1 lists for 2"):
        quality(padded([1]), [np.array([1]), np.array([2])], Relevance.strict(3))


def test_coverage_counts_products_of_the_first_ten() -> None:
    lists = padded(list(range(12)), [0, 1])
    assert coverage(lists, 20) == 10 / 20


def test_diversity_is_the_mean_over_pairs() -> None:
    half = np.sqrt(0.5)
    vectors = np.array([[1, 0], [0, 1], [half, half]], np.float32)
    found = diversity(padded([0, 1, 2], [0, 0], [2], []), vectors)
    assert found[0] == pytest.approx(1 - (0 + half + half) / 3, abs=1e-6)
    assert found[1] == pytest.approx(0, abs=1e-6)
    assert np.isnan(found[2:]).all()


def test_novelty_is_in_bits() -> None:
    found = novelty(padded([0, 1], [2], []), np.array([8, 2, 0]), 8)
    assert found[:2].tolist() == [1.0, 3.0]
    assert np.isnan(found[2])
