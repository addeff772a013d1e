"""How given products are scored: in large shops by the compiled loops, with the same answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.tasks import scoring
from ensemble.tasks.scoring import best_first
from tests.ensemble.tasks.shops import answer, recommender


@pytest.mark.parametrize("skip", [0, 2])
def test_a_large_shop_is_inspired_as_a_small_one(monkeypatch: pytest.MonkeyPatch, skip: int) -> None:
    wish = {"task": "inspire", "nearest": 5, "skip": skip, "k": 40}
    small = answer(recommender(), "P1", "P7", **wish).found
    monkeypatch.setattr(scoring, "ANN_FROM_ROWS", 0)
    large = answer(recommender(), "P1", "P7", **wish).found
    assert large.ids == small.ids
    assert len(small.ids[0]) > 10
    np.testing.assert_allclose(large.hits[0].scores, small.hits[0].scores, rtol=1e-6)


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(0, 40))
def test_the_best_are_given_with_ties_by_place(values: list[int], count: int) -> None:
    true = sorted(range(len(values)), key=lambda place: (-values[place], place))[:count]
    assert best_first(np.array(values, np.float64), count).tolist() == true
