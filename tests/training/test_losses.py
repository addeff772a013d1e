"""Losses and recall against plain numpy, written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from training.losses import bank_loss, pair_loss, recall_at


def _unit(rows: int, dim: int, seed: int) -> torch.Tensor:
    return functional.normalize(torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed)), dim=1)


def _cross_entropy(logits: NDArray[np.float32], targets: list[int]) -> float:
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = exponents / exponents.sum(axis=1, keepdims=True)
    return float(-np.log(shares[np.arange(len(targets)), targets]).mean())


def test_bank_loss_is_cross_entropy_over_all_texts() -> None:
    vectors, bank = _unit(3, 8, 0), _unit(10, 8, 1)
    expected = _cross_entropy(7.0 * vectors.numpy() @ bank.numpy().T, [4, 0, 9])
    assert bank_loss(vectors, bank, torch.tensor([4, 0, 9]), torch.tensor(7.0)).item() == pytest.approx(
        expected, rel=1e-5
    )


def test_pair_loss_counts_both_directions() -> None:
    left, right = _unit(4, 8, 2), _unit(4, 8, 3)
    logits = 5.0 * left.numpy() @ right.numpy().T
    expected = (_cross_entropy(logits, [0, 1, 2, 3]) + _cross_entropy(logits.T, [0, 1, 2, 3])) / 2
    assert pair_loss(left, right, torch.tensor(5.0)).item() == pytest.approx(expected, rel=1e-5)
    assert pair_loss(left, left, torch.tensor(50.0)) < pair_loss(left, right, torch.tensor(50.0))


def test_recall_counts_targets_among_the_best() -> None:
    rows = torch.eye(4)
    queries = torch.tensor([[1.0, 0.9, 0, 0], [0.9, 1.0, 0.5, 0]])
    found = recall_at(queries, rows, torch.tensor([0, 2]), (1, 2, 3))
    assert found == {1: 0.5, 2: 0.5, 3: 1.0}
