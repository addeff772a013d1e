"""Intervals against SciPy's bootstrap, what pairs of models share, and what a comparison with nothing gives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from export.evaluation.bootstrap import Bootstrap, Interval, plain, ratio_apart

NAN, INF = float("nan"), float("inf")


def alone(questions: int, resamples: int = 1_000, seed: int = 7) -> Bootstrap:
    """Each question is drawn for itself."""
    return Bootstrap(np.arange(questions), resamples, seed)


def test_the_interval_is_that_of_scipy() -> None:
    values = np.random.default_rng(1).gamma(1.0, size=300)
    found = alone(300, 4_000).mean(values)
    expected = stats.bootstrap((values,), np.mean, n_resamples=4_000, method="percentile", random_state=2)
    assert found.value == pytest.approx(values.mean())
    low, high = expected.confidence_interval
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.15 * (high - low))


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(1).random(50)
    assert alone(50).mean(values) == alone(50).mean(values)
    assert alone(50).mean(values) != alone(50, seed=8).mean(values)


def test_questions_of_one_customer_are_drawn_together() -> None:
    customers = np.random.default_rng(1).random(20)
    every = np.tile(np.arange(20), 5)
    found, of_customers = Bootstrap(every).mean(customers[every]), alone(20).mean(customers)
    assert (found.low, found.high) == pytest.approx((of_customers.low, of_customers.high))
    single = alone(100).mean(customers[every])
    assert found.high - found.low > 1.5 * (single.high - single.low)


def test_a_customer_of_many_questions_weighs_as_much_as_they_do() -> None:
    drawn = Bootstrap(np.array([0, 0, 0, 1]), 500).drawn(np.array([1.0, 1.0, 1.0, 0.0]))
    assert set(np.unique(drawn).tolist()) == {0.0, 0.75, 1.0}


def test_a_ratio_resamples_both_models_alike() -> None:
    values = np.random.default_rng(1).random(100)
    twice = alone(100).ratio(2 * values, values)
    assert (twice.value, twice.low, twice.high) == pytest.approx((2, 2, 2))


def test_a_ratio_is_of_the_questions_that_both_have() -> None:
    values = np.random.default_rng(1).random(50) + 0.5
    of = values.copy()
    values[:10], of[40:] = NAN, NAN
    found = alone(50).ratio(values, of)
    assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1))


def test_a_ratio_to_next_to_nothing_has_no_upper_end() -> None:
    of = np.zeros(20)
    of[0] = 1.0
    found = alone(20).ratio(np.ones(20), of)
    assert found.value == pytest.approx(20)
    assert 0 < found.low < 20
    assert found.high == INF


def test_a_few_resamples_without_a_ratio_leave_an_interval() -> None:
    of = np.zeros(20)
    of[:5] = 1.0
    drawn = alone(20).drawn(of)
    assert 0 < (drawn == 0).sum() < 25
    found = alone(20).ratio(np.ones(20), of)
    assert found.low < 4 < found.high < INF


def test_a_ratio_to_nothing() -> None:
    assert alone(4).ratio(np.ones(4), np.zeros(4)) == Interval(INF, INF, INF)
    nothing = alone(4).ratio(np.zeros(4), np.zeros(4))
    assert np.isnan([nothing.value, nothing.low, nothing.high]).all()


def test_a_ratio_of_different_questions() -> None:
    found = ratio_apart(alone(30), np.full(30, 3.0), alone(10, seed=8), np.full(10, 2.0))
    assert (found.value, found.low, found.high) == pytest.approx((1.5, 1.5, 1.5))


def test_values_that_are_not_there_do_not_count() -> None:
    found = alone(4, 50).mean(np.array([1.0, NAN, 1.0, 1.0]))
    assert (found.value, found.low, found.high) == (1, 1, 1)
    assert np.isnan(alone(2, 50).mean(np.array([NAN, NAN])).value)
    # Resamples that hold no question with a value are left out.
    found = alone(3, 500).mean(np.array([1.0, NAN, NAN]))
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_json_has_no_infinity() -> None:
    assert [plain(value) for value in (0.123456, NAN, INF, -INF)] == [0.1235, None, None, None]


def test_questions_and_resamples_are_needed() -> None:
    with pytest.raises(ValueError, match="got 0"):
        alone(0)
    with pytest.raises(ValueError, match="and 1"):
        alone(3, 1)
