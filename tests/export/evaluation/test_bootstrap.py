"""Intervals against SciPy's bootstrap, and what pairs of models share."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from export.evaluation.bootstrap import Bootstrap


def test_the_interval_is_that_of_scipy() -> None:
    values = np.random.default_rng(1).gamma(1.0, size=300)
    found = Bootstrap(300, 4_000).mean(values)
    expected = stats.bootstrap((values,), np.mean, n_resamples=4_000, method="percentile", random_state=2)
    assert found.value == pytest.approx(values.mean())
    low, high = expected.confidence_interval
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.15 * (high - low))


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(1).random(50)
    assert Bootstrap(50).mean(values) == Bootstrap(50).mean(values)
    assert Bootstrap(50).mean(values) != Bootstrap(50, seed=8).mean(values)


def test_a_ratio_resamples_both_models_alike() -> None:
    values = np.random.default_rng(1).random(100)
    twice = Bootstrap(100).ratio(2 * values, values)
    assert (twice.value, twice.low, twice.high) == pytest.approx((2, 2, 2))


def test_values_that_are_not_there_do_not_count() -> None:
    found = Bootstrap(4, 50).mean(np.array([1.0, np.nan, 1.0, 1.0]))
    assert (found.value, found.low, found.high) == (1, 1, 1)
    assert np.isnan(Bootstrap(2, 50).mean(np.array([np.nan, np.nan])).value)


def test_questions_are_needed() -> None:
    with pytest.raises(ValueError, match="got 0"):
        Bootstrap(0)
