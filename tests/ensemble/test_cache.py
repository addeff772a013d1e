from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ensemble.cache import REFRESH_S, CachedTower
from ensemble.errors import InvalidInput
from ensemble.towers import Tower, Vectors
from tests import tiny


class Counting(Tower):
    """A tower that says how many rows it was given."""

    def __init__(self, model: Path) -> None:
        super().__init__(model)
        self.rows: list[int] = []

    def encode(self, inputs: Mapping[str, NDArray[Any]]) -> Vectors:
        self.rows.append(len(inputs["INPUT_IDS"]))
        return super().encode(inputs)


@pytest.fixture
def tower(tiny_models: Path) -> Counting:
    return Counting(tiny_models / "text_tower" / "1" / "model.onnx")


def batch(*words: int, width: int = 4) -> dict[str, NDArray[Any]]:
    ids = np.zeros((len(words), width), np.int64)
    ids[:, 0] = words
    return {"INPUT_IDS": ids, "LENGTHS": np.ones((len(words), 1), np.int32)}


def test_only_new_rows_are_encoded_and_each_once(tower: Counting) -> None:
    cached = CachedTower(tower, 10)
    first = cached.encode(batch(4, 5, 4))
    second = cached.encode(batch(5, 6, 4))
    assert tower.rows == [2, 1]
    assert (cached.lookups, cached.hits) == (6, 2)
    np.testing.assert_array_equal(first[[1, 0]], second[[0, 2]])


@given(
    st.lists(st.lists(st.integers(4, 4 + len(tiny.WORDS) - 1), min_size=1, max_size=6), max_size=8), st.integers(0, 4)
)
def test_answers_as_the_tower_alone(tiny_models: Path, batches: list[list[int]], capacity: int) -> None:
    plain = Tower(tiny_models / "text_tower" / "1" / "model.onnx")
    cached = CachedTower(plain, capacity)
    for words in batches:
        np.testing.assert_allclose(cached.encode(batch(*words)), plain.encode(batch(*words)), atol=1e-6)


def test_the_least_recently_asked_is_forgotten(tower: Counting) -> None:
    cached = CachedTower(tower, 2)
    for word in (4, 5, 4, 6, 4, 5):
        cached.encode(batch(word))
    assert tower.rows == [1, 1, 1, 1]  # 4, 5, 6, and 5 again


def test_another_width_or_length_is_another_row(tower: Counting) -> None:
    cached = CachedTower(tower, 10)
    cached.encode(batch(4))
    cached.encode(batch(4, width=8))
    longer = batch(4)
    longer["LENGTHS"] += 1
    cached.encode(longer)
    assert cached.hits == 0


def test_an_error_is_not_remembered(tower: Counting) -> None:
    cached = CachedTower(tower, 10)
    for _ in range(2):
        with pytest.raises(InvalidInput, match="refused by the tower"):
            cached.encode(batch(4, 10**9))
    np.testing.assert_allclose(cached.encode(batch(4)), tower.encode(batch(4)), atol=1e-6)
    assert tower.rows[:2] == [2, 2]


def test_a_row_is_encoded_anew_after_a_while(tower: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = CachedTower(tower, 10)
    start = time.monotonic()
    for later in (0.0, 0.9 * REFRESH_S, 1.1 * REFRESH_S, 1.2 * REFRESH_S):
        monkeypatch.setattr(time, "monotonic", lambda later=later: start + later)
        cached.encode(batch(4))
    assert tower.rows == [1, 1]


def test_capacity_is_checked(tower: Counting) -> None:
    with pytest.raises(ValueError, match="`capacity` must be at least 0 rows, got -1"):
        CachedTower(tower, -1)
