"""The front against its definition, written as loops."""

from __future__ import annotations

import numpy as np
import pytest

from export.compare.pareto import front


def slow_front(costs: list[list[float]]) -> list[bool]:
    def beats(one: list[float], other: list[float]) -> bool:
        return all(a <= b for a, b in zip(one, other, strict=True)) and one != other

    return [not any(beats(other, one) for other in costs) for one in costs]


@pytest.mark.parametrize("points", [1, 2, 9, 60])
def test_the_front_is_what_its_definition_says(points: int) -> None:
    costs = np.random.default_rng(points).integers(0, 5, (points, 3)).astype(float)
    assert front(costs).tolist() == slow_front(costs.tolist())
    assert front(costs).any()


def test_equal_points_are_on_it_together() -> None:
    assert front(np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 3.0], [0.0, 9.0]])).tolist() == [True, True, False, True]


def test_a_cost_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        front(np.array([[1.0, np.nan]]))
