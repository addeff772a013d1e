"""Numbers that a process adds to, and the sums since they were last taken."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from ensemble.measuring.families import Family

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Series:
    """One line of what Prometheus reads.

    Args:
        family: Its name.
        labels: Beside those of the process.
    """

    family: Family
    labels: Labels = ()


@dataclass
class _Histogram:
    """What was seen since the last time: how often below each bound, and the sum."""

    counts: list[int]
    total: float = 0.0


@dataclass
class Board:
    """Adds up what requests tell, from any thread, until someone takes the sums."""

    _counters: dict[Series, float] = field(default_factory=dict)
    _histograms: dict[Family, _Histogram] = field(default_factory=dict)
    _gauges: dict[Family, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, amounts: Mapping[Series, float]) -> None:
        """Raise counters."""
        with self._lock:
            for series, amount in amounts.items():
                self._counters[series] = self._counters.get(series, 0.0) + amount

    def observe(self, family: Family, values: Iterable[float]) -> None:
        """Enter values into a histogram."""
        with self._lock:
            seen = self._histograms.get(family)
            if seen is None:
                seen = self._histograms[family] = _Histogram([0] * (len(family.bounds) + 1))
            for value in values:
                seen.counts[bisect_left(family.bounds, value)] += 1
                seen.total += value

    def set(self, gauges: Mapping[Family, float]) -> None:
        """Replace what gauges show."""
        with self._lock:
            self._gauges.update(gauges)

    def take(self) -> tuple[dict[Series, float], dict[Family, float]]:
        """What the counters rose by since the last time, and what the gauges show.

        A histogram is told as the counters that Prometheus makes of it: ``_bucket`` with ``le``, ``_sum``, ``_count``.
        What is told then does not grow with the requests, as a message for each value would. The widest bucket comes
        first: read in between, none holds more than a wider one.
        """
        with self._lock:
            counters, self._counters = self._counters, {}
            histograms, self._histograms = self._histograms, {}
            gauges, self._gauges = self._gauges, {}
        for family, seen in histograms.items():
            for series, amount in _as_counters(family, seen).items():
                counters[series] = counters.get(series, 0.0) + amount
        return counters, gauges

    def put_back(self, counters: Mapping[Series, float], gauges: Mapping[Family, float]) -> None:
        """Keep what was taken and could not be told, but for gauges that were set again meanwhile."""
        self.add(counters)
        with self._lock:
            self._gauges = {**gauges, **self._gauges}


def buckets(family: Family) -> list[Series]:
    """The counters that Prometheus makes of a histogram: its buckets, the widest first, its sum and its count."""
    bucket = Family(f"{family.name}_bucket", family.text, "counter")
    sums = [Family(f"{family.name}_{part}", family.text, "counter") for part in ("sum", "count")]
    ends = ["+Inf", *(format(bound, "g") for bound in reversed(family.bounds))]
    return [*(Series(bucket, (("le", end),)) for end in ends), *map(Series, sums)]


def _as_counters(family: Family, seen: _Histogram) -> dict[Series, float]:
    below = list(accumulate(seen.counts))
    amounts = [*(float(count) for count in reversed(below)), seen.total, float(below[-1])]
    return {series: amount for series, amount in zip(buckets(family), amounts, strict=True) if amount}
