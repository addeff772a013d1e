"""Distances beside slow twins and SciPy's, and thresholds beside what they promise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from deploy.drift.distances import bandwidth, kernel, ks, likeness, mmd2, witness
from deploy.drift.thresholds import ks_threshold, mmd_threshold

RANDOM = np.random.default_rng(0)


def slow_kernel(x: NDArray[Any], y: NDArray[Any], width: float) -> float:
    return math.exp(-sum((float(a) - float(b)) ** 2 for a, b in zip(x, y, strict=True)) / (2 * width**2))


def slow_mmd2(one: NDArray[Any], other: NDArray[Any], width: float) -> float:
    """Equation 3 of Gretton et al. (2012), pair by pair."""
    m, n = len(one), len(other)
    within_one = sum(slow_kernel(one[i], one[j], width) for i in range(m) for j in range(m) if i != j)
    within_other = sum(slow_kernel(other[i], other[j], width) for i in range(n) for j in range(n) if i != j)
    between = sum(slow_kernel(x, y, width) for x in one for y in other)
    return within_one / (m * (m - 1)) + within_other / (n * (n - 1)) - 2 * between / (m * n)


@pytest.mark.parametrize(("m", "n", "shift"), [(7, 11, 0.0), (2, 2, 1.0), (9, 5, 2.0)])
def test_mmd_is_that_of_a_slow_twin(m: int, n: int, shift: float) -> None:
    one, other = RANDOM.normal(size=(m, 4)), RANDOM.normal(size=(n, 4)) + shift
    assert mmd2(one, other, 1.7) == pytest.approx(slow_mmd2(one, other, 1.7), abs=1e-12)
    assert mmd2(one, other, 1.7, within_other=likeness(other, 1.7)) == mmd2(one, other, 1.7)


def test_mmd_is_unbiased() -> None:
    values = [mmd2(RANDOM.normal(size=(20, 3)), RANDOM.normal(size=(30, 3)), 1.5) for _ in range(400)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(len(values))
    assert min(values) < 0 < max(values)


def test_mmd_needs_two_rows() -> None:
    with pytest.raises(ValueError, match="at least 2 rows is needed, got 1"):
        mmd2(np.zeros((1, 3)), np.zeros((5, 3)), 1.0)


def test_the_bandwidth_is_the_median_distance() -> None:
    rows = RANDOM.normal(size=(30, 5)).astype(np.float32)
    distances = [np.linalg.norm(rows[i] - rows[j]) for i in range(30) for j in range(i)]
    assert bandwidth(rows) == pytest.approx(float(np.median(distances)), rel=1e-5)
    assert bandwidth(np.ones((5, 2))) == 1.0


def test_a_kernel_is_one_where_rows_are_the_same() -> None:
    rows = RANDOM.normal(size=(6, 300)).astype(np.float16)
    assert np.diag(kernel(rows, rows, 0.3)) == pytest.approx(np.ones(6))


def test_the_witness_points_at_what_the_baseline_lacks() -> None:
    baseline = RANDOM.normal(size=(200, 2))
    window = np.concatenate([RANDOM.normal(size=(70, 2)), RANDOM.normal(size=(30, 2)) + 6.0])
    order = np.argsort(-witness(window, window, baseline, 1.0))
    assert set(order[:20].tolist()) <= set(range(70, 100))


@pytest.mark.parametrize("digits", [8, 0])
def test_ks_is_that_of_scipy_with_ties_and_without(digits: int) -> None:
    one, other = RANDOM.normal(size=80).round(digits), (RANDOM.normal(size=130) * 1.3 + 0.4).round(digits)
    assert ks(one, other) == pytest.approx(stats.ks_2samp(one, other).statistic, abs=1e-12)
    assert ks(one, one) == 0.0
    with pytest.raises(ValueError, match="at least 1 value are needed, got 0 and 130"):
        ks(np.empty(0), other)


def test_a_ks_threshold_is_near_that_of_the_asymptotic_distribution() -> None:
    baseline = RANDOM.normal(size=1_000)
    threshold = ks_threshold(baseline, 200, 0.01)
    assert threshold == pytest.approx(stats.kstwobign.isf(0.01) * np.sqrt(1 / 200 + 1 / 800), rel=0.06)


def test_a_ks_threshold_of_few_different_values_is_that_of_their_windows() -> None:
    baseline = (RANDOM.random(600) < 0.2).astype(float)
    threshold = ks_threshold(baseline, 100, 0.01)
    drawn = RANDOM.hypergeometric(int(baseline.sum()), int(600 - baseline.sum()), 100, size=20_000)
    apart = np.abs(drawn / 100 - (baseline.sum() - drawn) / 500)
    assert (apart > threshold + 1e-9).mean() <= 0.012
    assert (apart > threshold - 0.02).mean() > 0.01
    assert ks_threshold(np.ones(100), 20, 0.01) == 0.0


def test_windows_of_the_same_distribution_are_beyond_a_threshold_as_seldom_as_promised() -> None:
    beyond = 0
    for _ in range(30):
        baseline = RANDOM.normal(size=(200, 6))
        width = bandwidth(baseline)
        threshold = mmd_threshold(baseline, width, 40, 0.05, draws=500)
        within = likeness(baseline, width)
        windows = (RANDOM.normal(size=(40, 6)) for _ in range(20))
        beyond += sum(mmd2(window, baseline, width, within_other=within) > threshold for window in windows)
    # Of 600 windows 30 are expected at most; baselines of chance make for more spread than windows alone.
    assert beyond <= 50


def test_a_threshold_does_not_change_from_call_to_call() -> None:
    baseline = RANDOM.normal(size=(100, 3))
    assert mmd_threshold(baseline, 1.0, 32, 0.01) == mmd_threshold(baseline, 1.0, 32, 0.01)


@pytest.mark.parametrize("size", [1, 51])
def test_a_window_is_at_most_half_of_the_baseline(size: int) -> None:
    with pytest.raises(ValueError, match=f"`size` must be 2 to half of the baseline's 100, got {size}"):
        ks_threshold(np.arange(100.0), size, 0.01)
