"""Batches: what they hold, how often, and that a number always gives the same one."""

from __future__ import annotations

import numpy as np

from training.product.drawing import Batches, Task

QUERY, TARGET = np.array([0, 1, 2]), np.array([5, 6, 7])
TASK = Task(QUERY, TARGET, np.array([1.0, 2.0, 7.0]))
NONE = Task(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


def test_a_number_always_gives_the_same_batch() -> None:
    one, other = (Batches([TASK, NONE], 20, 6, 4, seed=1)[3] for _ in range(2))
    assert one.products.tolist() == other.products.tolist()
    assert [part.tolist() for part in one.queries] == [part.tolist() for part in other.queries]
    assert Batches([TASK, NONE], 20, 6, 4, seed=2)[3].products.tolist() != one.products.tolist()


def test_pairs_stay_pairs_and_products_stand_once() -> None:
    batch = Batches([TASK, NONE], 20, 6, 4, seed=1)[0]
    assert (np.diff(batch.products.numpy()) > 0).all()
    query, target = batch.products[batch.queries[0]], batch.products[batch.targets[0]]
    assert (target - query == 5).all()
    assert len(query) == 6
    assert len(batch.queries[1]) == len(batch.targets[1]) == 0


def test_pairs_are_drawn_by_weight() -> None:
    batches = Batches([TASK], 20, 10, 0, seed=1)
    drawn = np.concatenate([batches[at].products[batches[at].queries[0]].numpy() for at in range(200)])
    assert np.abs(np.bincount(drawn, minlength=3) / len(drawn) - np.array([0.1, 0.2, 0.7])).max() < 0.03


def test_there_are_no_more_negatives_than_products() -> None:
    assert Batches([TASK], 8, 2, 50, seed=1)[0].products.tolist() == list(range(8))


def test_how_often_a_pair_holds_a_product() -> None:
    assert TASK.touching(8).tolist() == [0.1, 0.2, 0.7, 0, 0, 0.1, 0.2, 0.7]
    assert NONE.touching(3).tolist() == [0, 0, 0]
