"""The CPU engine: exact scores, never a slot that may not be found, never short, and the recall it is tuned for."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble.index import ExactEngine, Hits, Passing, Slots, load
from ensemble.index.ann import AnnEngine, build
from ensemble.index.ann.scoring import scores_in_place
from ensemble.index.ann.structure import Structure
from ensemble.index.ann.training import train
from ensemble.index.ann.tuned import Tuned
from tests.ensemble.clustered import DIM, Floats, append, clustered, snapshot

ROWS = 4_000
EVERYWHERE, NARROW = Tuned((1_000.0,) * 3, (10_000, 10_000)), Tuned((0.5, 0.5, 0.5), (16, 64))


@cache
def shared() -> tuple[Slots, Structure]:
    """Slots with a tail, and lists over them; nobody changes them. Some rows are there three times: they tie."""
    rows = clustered(700, 1)
    rows[350:400], rows[600:650] = rows[:50], rows[:50]
    with tempfile.TemporaryDirectory() as folder:
        slots = snapshot(Path(folder), rows[:600])
    structure = train(slots.base, 0)
    append(slots, rows[600:])
    return slots, structure


def recall(found: list[Hits], true: list[Hits]) -> float:
    return float(np.mean([np.isin(right.slots, hits.slots).mean() for hits, right in zip(found, true, strict=True)]))


def check(hits: Hits, slots: Slots, query: Floats, passing: Passing, count: int) -> None:
    assert len(hits.slots) == len(set(hits.slots.tolist())) == min(count, passing.count)
    assert np.isin(hits.slots, passing.slots).all()
    # Summed row by row, so that equal rows score alike to the last bit.
    exact = (slots.rows(hits.slots).astype(np.float64) * query).sum(axis=1)
    np.testing.assert_allclose(hits.scores, exact, rtol=1e-6, atol=1e-7)
    assert (np.diff(hits.scores) <= 0).all()
    order = np.lexsort((hits.slots, -exact))
    assert hits.slots[order].tolist() == hits.slots.tolist()


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    count=st.sampled_from([1, 2, 10, 100, 699, 1_000]),
    share=st.sampled_from([0.0, 0.001, 0.03, 0.3, 0.9, 1.0]),
    narrow=st.booleans(),
    direct=st.sampled_from([0, 50]),
)
def test_answers_are_whole_pass_and_are_scored_exactly(
    seed: int, count: int, share: float, narrow: bool, direct: int
) -> None:
    slots, structure = shared()
    rng = np.random.default_rng(seed)
    engine = AnnEngine(slots, structure, NARROW if narrow else EVERYWHERE, direct_rows=direct)
    passing = Passing.of(rng.random(len(slots)) < share)
    query = rng.normal(size=DIM).astype(np.float32)
    (hits,) = engine.search(query[None], [count], [passing])
    check(hits, slots, query, passing, count)
    if not narrow:
        (right,) = ExactEngine(slots).search(query[None], [count], [passing])
        assert hits.slots.tolist() == right.slots.tolist()
        np.testing.assert_array_equal(hits.scores, right.scores)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of 4,000 rows with its engine, tuned on queries of their kind."""
    folder = tmp_path_factory.mktemp("snapshot")
    slots = snapshot(folder, clustered(ROWS, 2))
    build(slots, folder, queries=clustered(200, 3), threads=1)
    return folder


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.01])
def test_recall_on_clusters_with_variants(folder: Path, share: float) -> None:
    slots = load(folder)
    engine = AnnEngine(slots, Structure.load(folder), Tuned.load(folder), direct_rows=0)
    queries = clustered(300, 4)
    passing = [Passing.of(np.random.default_rng(5).random(ROWS) < share)] * len(queries)
    counts = [10] * len(queries)
    found = engine.search(queries, counts, passing)
    assert recall(found, ExactEngine(slots).search(queries, counts, passing)) >= 0.985
    for hits, query in zip(found, queries, strict=True):
        check(hits, slots, query, passing[0], 10)


def test_recall_after_half_of_the_rows_died_and_as_many_came(folder: Path) -> None:
    slots = load(folder)
    engine = AnnEngine.open(slots, folder)
    rng = np.random.default_rng(6)
    for part in np.split(clustered(ROWS // 2, 7), 20):
        first = len(slots)
        append(slots, part)
        engine.added(first)
    alive = np.ones(len(slots), np.bool_)
    alive[rng.choice(ROWS, ROWS // 2, replace=False)] = False
    queries = clustered(300, 8)
    passing, counts = [Passing.of(alive)] * len(queries), [10] * len(queries)
    found = engine.search(queries, counts, passing)
    assert recall(found, ExactEngine(slots).search(queries, counts, passing)) >= 0.98
    assert any((hits.slots >= ROWS).any() for hits in found)
    for hits, query in zip(found, queries, strict=True):
        check(hits, slots, query, passing[0], 10)


def test_a_new_row_is_found_by_itself_at_once(folder: Path) -> None:
    slots = load(folder)
    engine = AnnEngine.open(slots, folder)
    new = clustered(50, 9)
    append(slots, new)
    engine.added(ROWS)
    every = Passing.of(slots.valid)
    found = engine.search(new, [1] * len(new), [every] * len(new))
    right = ExactEngine(slots).search(new, [1] * len(new), [every] * len(new))
    assert [hits.slots.tolist() for hits in found] == [hits.slots.tolist() for hits in right]


def test_an_engine_learns_on_opening_what_came_after_its_snapshot(folder: Path) -> None:
    slots = load(folder)
    append(slots, clustered(30, 10))
    engine = AnnEngine.open(slots, folder)
    (hits,) = engine.search(slots.rows(np.array([ROWS + 7])).astype(np.float32), [1], [Passing.of(slots.valid)])
    assert hits.slots.tolist() == [ROWS + 7]


def test_a_query_away_from_every_row_is_answered_exactly(tmp_path: Path) -> None:
    """Of negative weights alone: rows of one cone, so that no list has a score above zero."""
    rng = np.random.default_rng(5)
    rows = clustered(ROWS, 6)
    rows[:, 0] = 2.0
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    slots = snapshot(tmp_path, rows)
    build(slots, tmp_path)
    queries = -rows[rng.choice(ROWS, 20)]
    passing = [Passing.of(np.ones(ROWS, np.bool_))] * len(queries)
    engine = AnnEngine.open(slots, tmp_path)
    exact = ExactEngine(slots).search(queries, [10] * 20, passing)
    assert recall(engine.search(queries, [10] * 20, passing), exact) == 1.0


def test_queries_of_one_half(tmp_path: Path) -> None:
    rows = np.concatenate([clustered(ROWS, 11), clustered(ROWS, 12)], axis=1)
    slots = snapshot(tmp_path, rows)
    queries = np.concatenate([clustered(300, 13), clustered(300, 14)], axis=1)
    queries[:100, DIM:], queries[100:200, :DIM] = 0, 0
    build(slots, tmp_path, queries=queries[::2], threads=1)
    passing, counts = [Passing.of(slots.valid)] * 150, [10] * 150
    found = AnnEngine.open(slots, tmp_path).search(queries[1::2], counts, passing)
    right = ExactEngine(slots).search(queries[1::2], counts, passing)
    for kind in (slice(0, 50), slice(50, 100), slice(100, 150)):
        assert recall(found[kind], right[kind]) >= 0.97


@pytest.mark.parametrize("batch", [2, 64])
def test_an_answer_does_not_depend_on_its_batch(folder: Path, batch: int) -> None:
    slots = load(folder)
    engine = AnnEngine.open(slots, folder)
    queries, counts = clustered(batch, 15), [1 + 7 * number for number in range(batch)]
    passing = [Passing.of(np.random.default_rng(number).random(ROWS) < 0.8) for number in range(batch)]
    together = engine.search(queries, counts, passing)
    for number, hits in enumerate(together):
        (alone,) = engine.search(
            queries[number : number + 1], counts[number : number + 1], passing[number : number + 1]
        )
        assert hits.slots.tolist() == alone.slots.tolist()
        np.testing.assert_array_equal(hits.scores, alone.scores)


def test_no_row_passes(folder: Path) -> None:
    slots = load(folder)
    none = Passing.of(np.zeros(ROWS, np.bool_))
    (hits,) = AnnEngine.open(slots, folder).search(clustered(1, 16), [10], [none])
    assert hits.slots.tolist() == hits.scores.tolist() == []


def test_rows_are_scored_in_place_in_base_and_tail_and_equal_ones_alike() -> None:
    slots, _ = shared()
    numbers = np.array([699, 3, 603, 353, 599, 600, 0, 3])
    query = np.random.default_rng(4).standard_normal(DIM).astype(np.float32)
    scores = scores_in_place(slots, numbers, query)
    np.testing.assert_allclose(scores, slots.rows(numbers).astype(np.float64) @ query, rtol=1e-12, atol=1e-12)
    assert scores[1] == scores[2] == scores[3] == scores[7]
    assert scores_in_place(slots, numbers[:0], query).shape == (0,)
