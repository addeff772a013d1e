"""The sampled softmax against the full one, written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from training.product.drawing import Batches, Task
from training.product.losses import log_inclusion, sampled_softmax

COUNT, DIM, TEMPERATURE = 30, 8, 0.2


def _unit(rows: int, seed: int) -> torch.Tensor:
    return functional.normalize(torch.randn(rows, DIM, generator=torch.Generator().manual_seed(seed)), dim=1)


def _full(queries: torch.Tensor, items: torch.Tensor, targets: list[int], own: list[int]) -> float:
    """Softmax over all items but the query itself, one query after another."""
    losses = []
    for query, target, itself in zip(queries.double().numpy(), targets, own, strict=True):
        scores = items.double().numpy() @ query / TEMPERATURE
        exponents = np.exp(scores)
        exponents[itself] = 0
        losses.append(-np.log(exponents[target] / exponents.sum()))
    return float(np.mean(losses))


def _task(seed: int = 0, pairs: int = 60) -> Task:
    random = np.random.default_rng(seed)
    query = random.integers(0, COUNT, pairs)
    target = (query + random.integers(1, COUNT, pairs)) % COUNT
    return Task(query, target, random.random(pairs) ** 3 + 0.01)


def _loss(
    items: torch.Tensor, negatives: int, number: int, *, corrected: bool = True
) -> tuple[torch.Tensor, list[int], list[int]]:
    task = _task()
    batch = Batches([task], COUNT, 8, negatives, seed=3)[number]
    log_q = log_inclusion([(task.touching(COUNT), 8)], negatives)[batch.products] * corrected
    vectors, (query,), (target,) = items[batch.products], batch.queries, batch.targets
    barred = functional.one_hot(query, len(vectors)).bool()
    loss = sampled_softmax(vectors[query], vectors, target, log_q, torch.tensor(TEMPERATURE), barred)
    return loss, batch.products[query].tolist(), batch.products[target].tolist()


def test_with_the_whole_catalogue_it_is_the_full_softmax() -> None:
    items = _unit(COUNT, 1)
    loss, queries, targets = _loss(items, COUNT, 0)
    assert loss.item() == pytest.approx(_full(items[queries], items, targets, queries), rel=1e-5)


@pytest.mark.parametrize("negatives", [0, 5, 15])
def test_a_sample_is_near_to_the_full_softmax_on_average(negatives: int) -> None:
    items = _unit(COUNT, 1)
    sampled, full, plain = [], [], []
    for number in range(150):
        loss, queries, targets = _loss(items, negatives, number)
        sampled.append(loss.item())
        full.append(_full(items[queries], items, targets, queries))
        plain.append(_loss(items, negatives, number, corrected=False)[0].item())
    # The logarithm of an unbiased sum is a little too small, and far nearer than without the correction.
    assert abs(np.mean(sampled) - np.mean(full)) < 0.12 * np.mean(full)
    assert abs(np.mean(sampled) - np.mean(full)) < 0.5 * abs(np.mean(plain) - np.mean(full))


def test_inclusion_is_how_often_a_product_is_drawn() -> None:
    task = _task()
    batches = Batches([task], COUNT, 8, 5, seed=9)
    seen = np.zeros(COUNT)
    for number in range(3000):
        seen[batches[number].products.numpy()] += 1
    expected = log_inclusion([(task.touching(COUNT), 8)], 5).exp().numpy()
    assert np.abs(seen / 3000 - expected).max() < 0.04


def test_what_is_barred_does_not_count_but_the_target_does() -> None:
    items = _unit(4, 2)
    barred = torch.tensor([[True, True, False, True]])
    loss = sampled_softmax(items[:1], items, torch.tensor([1]), torch.zeros(4), torch.tensor(TEMPERATURE), barred)
    scores = (items[0] @ items.T / TEMPERATURE)[[1, 2]]
    assert loss.item() == pytest.approx(-torch.log_softmax(scores, 0)[0].item(), rel=1e-5)
