"""The knee: how many requests a second a server carries.

**Definition.** The knee is the highest offered rate of open arrivals at which the 99th percentile of latency, from the
time that each request was due, stays at or below the bound of the SLO, and at least 99% of what was offered is answered
as fast as it comes (``achieved / offered >= 0.99``). It is found by steps: the rate grows by a factor until it is not
carried, then the interval between the last that was and the first that was not is halved, on a logarithmic scale, until
it is narrow enough. Each step is a run of its own, between which the server comes to rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from loadtest.arrivals.measured import Measured
from loadtest.errors import BadLoad

ACHIEVED = 0.99


@dataclass(frozen=True)
class Step:
    """One rate that was tried.

    Args:
        offered_rps: Requests a second that were due.
        achieved_rps: Successful answers a second.
        p99_ms: 99th percentile of latency from the due time, of those that succeeded.
        carried: Whether the server carried it.
    """

    offered_rps: float
    achieved_rps: float
    p99_ms: float
    carried: bool


@dataclass(frozen=True)
class Knee:
    """Where the knee is.

    Args:
        rps: The highest rate that was carried; 0 where not even the first was.
        steps: All that were tried, in this order.
        found: Whether a rate above it was tried and not carried; else the knee is higher.
        p99_ms: The bound that it was held to.
    """

    rps: float
    steps: tuple[Step, ...]
    found: bool
    p99_ms: float


@dataclass(frozen=True)
class Search:
    """How the knee is searched for.

    Args:
        first_rps: The first rate.
        p99_ms: Bound of the 99th percentile, in milliseconds.
        factor: By so much the rate grows until it is not carried.
        within: The knee is known well enough where the rates around it differ by at most this share.
        most_rps: No higher rate is tried.

    Raises:
        BadLoad: A value out of its range.
    """

    first_rps: float
    p99_ms: float
    factor: float = 1.5
    within: float = 0.05
    most_rps: float = 100_000.0

    def __post_init__(self) -> None:
        for name in ("first_rps", "p99_ms", "within"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise BadLoad(f"{name}: {getattr(self, name)}; allowed: a finite number above 0")
        if not 1 < self.factor <= 10:
            raise BadLoad(f"factor: {self.factor}; allowed: above 1, to 10")
        if self.most_rps < self.first_rps:
            raise BadLoad(f"most_rps: {self.most_rps}; allowed: first_rps, {self.first_rps:g}, or more")


def judged(measured: Measured, p99_ms: float) -> Step:
    """Whether what was measured at one rate was carried; see the definition above."""
    p99, offered, achieved = measured.latency.p99, measured.offered_rps, measured.achieved_rps
    return Step(offered, achieved, p99, carried=p99 <= p99_ms and achieved >= ACHIEVED * offered)


def find_knee(measure: Callable[[float], Step], search: Search) -> Knee:
    """Find the knee.

    Args:
        measure: Offers a rate for some time, and tells whether it was carried.
        search: How to search.
    """
    steps: list[Step] = []

    def carried(rate: float) -> bool:
        steps.append(measure(rate))
        return steps[-1].carried

    low, high = 0.0, search.first_rps
    while carried(high):
        low, high = high, high * search.factor
        if high > search.most_rps:
            return Knee(low, tuple(steps), found=False, p99_ms=search.p99_ms)
    if low == 0:
        low, high = _downwards(carried, high, search)
    while low and high > low * (1 + search.within):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if carried(middle) else (low, middle)
    return Knee(low, tuple(steps), found=True, p99_ms=search.p99_ms)


def _downwards(carried: Callable[[float], bool], high: float, search: Search) -> tuple[float, float]:
    """The first rate was too high: go down until one is carried, or there is next to none left."""
    while high > search.first_rps / 100:
        low = high / search.factor
        if carried(low):
            return low, high
        high = low
    return 0.0, high
