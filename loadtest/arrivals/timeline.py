"""Quantiles of latencies, and a load second by second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loadtest.arrivals.records import CUT_OFF, OK, Records

QUANTILES = (50, 90, 99, 99.9, 100)


@dataclass(frozen=True)
class Quantiles:
    """Latencies of the requests that succeeded, in milliseconds, from the time that each was due.

    Args:
        count: How many there are; without any, all others are NaN.
        p50: Median.
        p90: 90th percentile.
        p99: 99th percentile.
        p999: 99.9th percentile.
        max: The longest.
        mean: Their mean.
    """

    count: int
    p50: float
    p90: float
    p99: float
    p999: float
    max: float
    mean: float

    @classmethod
    def of(cls, latencies_ms: NDArray[np.float32]) -> Quantiles:
        """The quantiles of some latencies."""
        if not len(latencies_ms):
            none = float("nan")
            return cls(0, none, none, none, none, none, none)
        p50, p90, p99, p999, longest = np.percentile(latencies_ms, QUANTILES, method="higher").tolist()
        return cls(len(latencies_ms), p50, p90, p99, p999, longest, float(latencies_ms.mean()))


@dataclass(frozen=True)
class Second:
    """One second of a load.

    Args:
        second: It begins so many seconds after the start.
        due: Requests that were to start in it.
        ok: Of these, how many succeeded.
        done: Answers that came in this second, whenever their requests were due.
        failed: Of those that were due, how many failed, by error.
        p50: Median latency of those that were due, in ms; NaN where none succeeded.
        p99: 99th percentile.
        releases: How many answers each release gave.
    """

    second: int
    due: int
    ok: int
    done: int
    failed: Mapping[str, int]
    p50: float
    p99: float
    releases: Mapping[int, int]


def by_second(records: Records, seconds: float) -> Iterator[Second]:
    """The seconds of a load; those after its last request too, until the last answer.

    Args:
        records: Its requests.
        seconds: How long requests were due.
    """
    ok = records.is_outcome(OK)
    due = records.due_s.astype(np.int64)
    ends = (records.due_s + records.latency_ms / 1000).astype(np.int64)
    done = np.bincount(ends[ok], minlength=1)
    last = max(int(np.ceil(seconds)), len(done) if ok.any() else 0)
    order = np.argsort(due, kind="stable")
    edges = np.searchsorted(due[order], np.arange(last + 1))
    for second in range(last):
        rows = order[edges[second] : edges[second + 1]]
        counts = Counter(records.outcomes[place] for place in records.outcome[rows].tolist())
        found = Quantiles.of(records.latency_ms[rows][ok[rows]])
        failed = {name: count for name, count in sorted(counts.items()) if name not in {OK, CUT_OFF}}
        releases = Counter(records.release[rows][records.release[rows] > 0].tolist())
        at = int(done[second]) if second < len(done) else 0
        yield Second(second, len(rows), counts[OK], at, failed, found.p50, found.p99, releases)
