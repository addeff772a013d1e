"""Searches by a business score: the best of all that pass, not the most similar ones in another order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble.index import Engine, ExactEngine, Hits, Passing
from ensemble.index import exact as exact_engine
from ensemble.index.ann import AnnEngine
from ensemble.index.ann import engine as ann_engine
from tests.ensemble.clustered import DIM, Floats
from tests.ensemble.test_ann import EVERYWHERE, shared

SLOTS, STRUCTURE = shared()
ENGINES: dict[str, Engine] = {
    "exact": ExactEngine(SLOTS),
    "ann": AnnEngine(SLOTS, STRUCTURE, EVERYWHERE, direct_rows=0),
}


def brute_force(query: Floats, count: int, passing: Passing, boost: Floats | None) -> Hits:
    slots = passing.slots
    scores = (SLOTS.rows(slots).astype(np.float64) * query).sum(axis=1)
    scores += 0 if boost is None else boost[slots]
    order = np.lexsort((slots, -scores))[:count]
    return Hits(slots[order], scores[order].astype(np.float32))


def assert_same(found: Hits, right: Hits) -> None:
    assert found.slots.tolist() == right.slots.tolist()
    np.testing.assert_allclose(found.scores, right.scores, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ENGINES)
@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    counts=st.lists(st.sampled_from([1, 2, 10, 699, 1_000]), min_size=1, max_size=4),
    share=st.sampled_from([0.0, 0.01, 0.3, 1.0]),
    scale=st.sampled_from([0.0, 1e-3, 1.0, 1e6]),
    factor=st.sampled_from([1e-6, 1.0, 1e6]),
)
def test_equals_brute_force(name: str, seed: int, counts: list[int], share: float, scale: float, factor: float) -> None:
    rng = np.random.default_rng(seed)
    queries = (rng.normal(size=(len(counts), DIM)) * factor).astype(np.float32)
    passing = [Passing.of(rng.random(len(SLOTS)) < share) for _ in counts]
    # Some of few values, so that boosts tie; and some queries have none.
    boosts = [
        (rng.integers(-2, 3, len(SLOTS)) * scale).astype(np.float32) if n != 1 else None for n in range(len(counts))
    ]
    found = ENGINES[name].search(queries, counts, passing, boosts)
    for hits, *asked in zip(found, queries, counts, passing, boosts, strict=True):
        assert_same(hits, brute_force(*asked))


@pytest.mark.parametrize("name", ENGINES)
def test_ties_are_broken_by_slot(name: str) -> None:
    boost = np.repeat(np.array([1, 2], np.float32), 350)
    (hits,) = ENGINES[name].search(np.zeros((1, DIM), np.float32), [400], [Passing.of(SLOTS.valid)], [boost])
    assert hits.slots.tolist() == [*range(350, 700), *range(50)]


@pytest.mark.parametrize("name", ENGINES)
def test_the_best_may_be_far_from_the_most_similar(name: str) -> None:
    """A product that no re-ranking of the 600 most similar of 700 would find."""
    query = SLOTS.rows(np.array([3])).astype(np.float32)
    every = Passing.of(SLOTS.valid)
    least = ENGINES["exact"].search(query, [700], [every])[0].slots[-1]
    boost = np.zeros(700, np.float32)
    boost[least] = 10
    (hits,) = ENGINES[name].search(query, [3], [every], [boost])
    assert hits.slots[0] == least
    assert hits.scores[0] > 9 > hits.scores[1]


def test_parts_for_several_threads_are_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ann_engine, "PART_ROWS", 64)
    rng = np.random.default_rng(1)
    query = rng.normal(size=(1, DIM)).astype(np.float32)
    for count in (1, 10, 70, 700, 1_000):
        boost = rng.integers(0, 3, 700).astype(np.float32)
        (hits,) = ENGINES["ann"].search(query, [count], [Passing.of(SLOTS.valid)], [boost])
        assert_same(hits, brute_force(query[0], count, Passing.of(SLOTS.valid), boost))


def test_rows_that_are_not_kept_as_floats_are_boosted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact_engine, "KEPT_ROWS", 100)
    rng = np.random.default_rng(2)
    query = rng.normal(size=(1, DIM)).astype(np.float32)
    boost = rng.normal(size=700).astype(np.float32)
    (hits,) = ExactEngine(SLOTS).search(query, [20], [Passing.of(SLOTS.valid)], [boost])
    assert_same(hits, brute_force(query[0], 20, Passing.of(SLOTS.valid), boost))
