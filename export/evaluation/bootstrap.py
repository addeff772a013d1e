"""Confidence intervals by the bootstrap over questions (Efron and Tibshirani 1993, percentile intervals)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

SEED = 7
RESAMPLES = 1_000
LEVEL = 0.95

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A figure and where it lies.

    Args:
        value: Of the questions as they are.
        low: Lower end of the 95 % interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Bootstrap:
    """The same resamples for every model, so that two of them can be compared question by question.

    Args:
        questions: How many there are.
        resamples: How often they are drawn with replacement.
        seed: Of the draws.
    """

    questions: int
    resamples: int = RESAMPLES
    seed: int = SEED

    def __post_init__(self) -> None:
        if self.questions < 1 or self.resamples < 2:
            raise ValueError(f"questions and resamples are needed, got {self.questions} and {self.resamples}")

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        random = np.random.default_rng(self.seed)
        share = np.full(self.questions, 1 / self.questions)
        return random.multinomial(self.questions, share, self.resamples).astype(np.float64)

    def mean(self, values: Values) -> Interval:
        """The mean of ``(questions,)`` values; those that are NaN do not count."""
        return _interval(_mean(values), self.drawn(values))

    def ratio(self, values: Values, of: Values) -> Interval:
        """The mean of one model over that of another, on the same questions."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return _interval(float(np.float64(_mean(values)) / _mean(of)), self.drawn(values) / self.drawn(of))

    def drawn(self, values: Values) -> Values:
        """``(resamples,)``: the mean of each resample."""
        known = np.isfinite(values)
        with np.errstate(invalid="ignore"):
            means: Values = self._weights @ np.where(known, values, 0.0) / (self._weights @ known)
        return means


def ratio_apart(values: Values, of: Values, resamples: int = RESAMPLES) -> Interval:
    """The mean of some questions over that of others, each resampled for itself."""
    above = Bootstrap(len(values), resamples).drawn(values)
    below = Bootstrap(len(of), resamples, SEED + 1).drawn(of)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _interval(float(np.float64(_mean(values)) / _mean(of)), above / below)


def _mean(values: Values) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _interval(value: float, drawn: Values) -> Interval:
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail]) if np.isfinite(drawn).all() else (np.nan, np.nan)
    return Interval(float(value), float(low), float(high))
