"""Confidence intervals by the bootstrap (Efron and Tibshirani 1993, percentile intervals).

Questions that hang together are drawn together (Field and Welsh, "Bootstrapping clustered data", 2007): those of one
customer say less than as many of different ones, and an interval that took them for such would be too narrow. Baskets
count as independent, although one customer may have several.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

SEED = 7
RESAMPLES = 1_000
LEVEL = 0.95

Values = NDArray[np.float64]
Codes = NDArray[np.int64]


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
        groups: ``(questions,)`` number of each question's group, from 0 on; a group is drawn as a whole.
        resamples: How often as many groups as there are are drawn with replacement.
        seed: Of the draws.
    """

    groups: Codes
    resamples: int = RESAMPLES
    seed: int = SEED

    def __post_init__(self) -> None:
        if not len(self.groups) or self.resamples < 2:
            raise ValueError(
                f"at least 1 question and 2 resamples are needed, got {len(self.groups)} and {self.resamples}"
            )

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        random = np.random.default_rng(self.seed)
        number = int(self.groups.max()) + 1
        drawn = random.multinomial(number, np.full(number, 1 / number), self.resamples)
        weights: NDArray[np.float64] = drawn[:, self.groups].astype(np.float64)
        return weights

    def mean(self, values: Values) -> Interval:
        """The mean of ``(questions,)`` values; those that are NaN do not count."""
        return _interval(_mean(values), self.drawn(values))

    def ratio(self, values: Values, of: Values) -> Interval:
        """The mean of one model over that of another, on the questions for which both have a value.

        Where the other has 0, the ratio is infinite: the upper end is, too, where more than a few resamples are such.
        Resamples in which both have 0 say nothing, and do not count.
        """
        both = np.isfinite(values) & np.isfinite(of)
        one, other = (np.where(both, each, np.nan) for each in (values, of))
        return _interval(float(_over(_mean(one), _mean(other))), _over(self.drawn(one), self.drawn(other)))

    def drawn(self, values: Values) -> Values:
        """``(resamples,)``: the mean of each resample; NaN where none of its questions has a value."""
        known = np.isfinite(values)
        return _over(self._weights @ np.where(known, values, 0.0), self._weights @ known)


def ratio_apart(one: Bootstrap, values: Values, other: Bootstrap, of: Values) -> Interval:
    """The mean of some questions over that of others, each resampled for itself.

    Args:
        one: Resamples of the first questions.
        values: Of these.
        other: Resamples of the others, by another seed.
        of: Of these.
    """
    return _interval(float(_over(_mean(values), _mean(of))), _over(one.drawn(values), other.drawn(of)))


def plain(value: float) -> float | None:
    """For JSON, to four digits: what is not a number, and what is infinite, is null."""
    return round(float(value), 4) if np.isfinite(value) else None


def _over(above: Values | float, below: Values | float) -> Values:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Values = np.divide(above, below)
    return found


def _mean(values: Values) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _interval(value: float, drawn: Values) -> Interval:
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return Interval(value, float("nan"), float("nan"))
    tail = (1 - LEVEL) / 2
    if np.isfinite(known).all():
        low, high = np.quantile(known, [tail, 1 - tail])
    else:  # nothing lies between a number and infinity: an end is one of the resamples
        low, high = np.quantile(known, tail, method="lower"), np.quantile(known, 1 - tail, method="higher")
    return Interval(value, float(low), float(high))
