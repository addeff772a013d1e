"""Pairs against a count of every two products of every basket."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from training.errors import TrainingInputError
from training.product import pairs as room
from training.product.events import Events
from training.product.pairs import Pairs, count_pairs

Key = tuple[str, str, bool]


def _events(baskets: list[set[int]], viewed: list[bool]) -> Events:
    lines = [(at, product, viewed[at % len(viewed)]) for at, held in enumerate(baskets) for product in sorted(held)]
    basket, product, seen = zip(*lines, strict=True) if lines else ((), (), ())
    kinds = ["view" if one else "purchase" for one in seen]
    columns = {
        "basket": pa.array(basket, pa.int64()),
        "product": pa.array([f"P{one}" for one in product], pa.string()),
        "kind": pa.array(kinds, pa.string()),
    }
    return Events.of(pa.table(columns))


def _twin(events: Events, max_basket: int) -> tuple[Counter[Key], Counter[Key]]:
    counts: Counter[Key] = Counter()
    weights: Counter[Key] = Counter()
    lines = zip(events.basket.tolist(), events.viewed.tolist(), events.product.tolist(), strict=True)
    baskets: dict[tuple[int, bool], set[str]] = {}
    for basket, viewed, product in lines:
        baskets.setdefault((basket, viewed), set()).add(events.products[product])
    for (_, viewed), held in baskets.items():
        for one, other in combinations(sorted(held), 2):
            if len(held) <= max_basket:
                counts[one, other, viewed] += 1
                weights[one, other, viewed] += 1 / (len(held) - 1)  # type: ignore[assignment]
    return counts, weights


def _found(pairs: Pairs) -> dict[Key, tuple[int, float]]:
    lines = zip(pairs.query, pairs.target, pairs.viewed.tolist(), pairs.count.tolist(), pairs.weights, strict=True)
    return {
        (pairs.products[query], pairs.products[target], viewed): (count, weight)
        for query, target, viewed, count, weight in lines
    }


@given(
    st.lists(st.sets(st.integers(0, 7), max_size=6), max_size=12),
    st.lists(st.booleans(), min_size=1, max_size=3),
    st.integers(2, 6),
    st.integers(1, 3),
)
def test_counts_and_weights(baskets: list[set[int]], viewed: list[bool], max_basket: int, min_count: int) -> None:
    events = _events(baskets, viewed)
    counts, weights = _twin(events, max_basket)
    found = _found(count_pairs(events, min_count=min_count, max_basket=max_basket))
    assert {key: count for key, (count, _) in found.items()} == {k: n for k, n in counts.items() if n >= min_count}
    assert all(weight == pytest.approx(weights[key]) for key, (_, weight) in found.items())


def test_counting_in_parts_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    events = _events([set(random.choice(20, 5).tolist()) for _ in range(60)], [False])
    whole = count_pairs(events)
    monkeypatch.setattr(room, "_PAIRS_AT_ONCE", 7)
    parts = count_pairs(events)
    assert np.array_equal(parts.query, whole.query)
    assert np.array_equal(parts.target, whole.target)
    assert np.array_equal(parts.count, whole.count)
    assert parts.weights == pytest.approx(whole.weights)


def test_pairs_come_back_as_they_were(tmp_path: Path) -> None:
    pairs = count_pairs(_events([{1, 2, 3}, {1, 2}, {4}, {1, 3}], [False, True]))
    pairs.save(tmp_path / "pairs.parquet")
    again = Pairs.read(tmp_path / "pairs.parquet")
    assert again.products == pairs.products == ("P1", "P2", "P3", "P4")
    assert _found(again) == _found(pairs)
    # The second and the fourth basket are views; nothing counts what was bought by what was looked at.
    assert again.popularity() == pairs.popularity() == {"P1": 1, "P2": 1, "P3": 1, "P4": 1}


@pytest.mark.parametrize(
    ("viewed", "expected"),
    [
        ([True, True, False], {"P1": 0, "P2": 1, "P3": 1}),
        ([False, True, True], {"P1": 1, "P2": 1, "P3": 0}),
        ([False], {"P1": 2, "P2": 3, "P3": 1}),
        ([True], {"P1": 2, "P2": 3, "P3": 1}),
    ],
)
def test_popular_is_what_was_bought(tmp_path: Path, viewed: list[bool], expected: dict[str, int]) -> None:
    pairs = count_pairs(_events([{1, 2}, {1, 2}, {2, 3}], viewed))
    assert pairs.popularity() == expected
    pairs.save(tmp_path / "pairs.parquet")
    assert Pairs.read(tmp_path / "pairs.parquet").popularity() == expected


def test_popularity_of_counts_alone_is_of_purchases_where_there_are_any(tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    columns = {"query": ["a", "a"], "target": ["b", "c"], "count": [3, 9], "kind": ["purchase", "view"]}
    parquet.write_table(pa.table(columns), path)
    assert Pairs.read(path).popularity() == {"a": 3, "b": 3, "c": 0}
    parquet.write_table(pa.table(columns | {"kind": ["view", "view"]}), path)
    assert Pairs.read(path).popularity() == {"a": 9, "b": 3, "c": 9}


def test_pairs_of_another_program_need_no_more_than_counts(tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    parquet.write_table(pa.table({"query": ["a", "b"], "target": ["b", "c"], "count": [3, 2]}), path)
    pairs = Pairs.read(path)
    assert _found(pairs) == {("a", "b", False): (3, 3.0), ("b", "c", False): (2, 2.0)}
    assert pairs.popularity() == {"a": 3, "b": 3, "c": 2}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"query": ["a"], "count": [1]}, "no column 'target'"),
        ({"query": ["a"], "target": ["b"], "count": [0]}, "'count' in .* must be numbers of at least 1"),
        ({"query": ["a"], "target": ["b"], "count": ["x"]}, "'count' in .* must be numbers of at least 1"),
        ({"query": ["a"], "target": ["b"], "count": [1], "kind": ["click"]}, "'kind' in .* is 'click'"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, columns: dict[str, list[object]], message: str) -> None:
    parquet.write_table(pa.table(columns), tmp_path / "pairs.parquet")
    with pytest.raises(TrainingInputError, match=message):
        Pairs.read(tmp_path / "pairs.parquet")


def test_files_that_are_no_pairs_are_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingInputError, match=r"no file .*; `python -m training pairs` writes one"):
        Pairs.read(tmp_path / "absent.parquet")
    (tmp_path / "pairs.parquet").write_text("no")
    with pytest.raises(TrainingInputError, match="is no Parquet file"):
        Pairs.read(tmp_path / "pairs.parquet")


def test_bounds_that_are_not_allowed() -> None:
    with pytest.raises(TrainingInputError, match="min_count: got 0"):
        count_pairs(_events([{1, 2}], [False]), min_count=0)
