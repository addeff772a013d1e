"""The knee: the highest rate of open arrivals that a server holds; pure but for what measures.

Below it latency hardly depends on the rate; above it a queue grows for as long as the load lasts. A rate holds where no
request fails, answers keep up with arrivals, and the 99th percentile stays below a bound. The search raises the rate
until one does not hold, then halves the gap. A short step may have a good moment, so the rate that was found has to
hold for longer; where it does not, a little less is tried.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from loadtest.arrivals.measured import Measured

GROWTH = 1.35
KEEPS_UP = 0.97
MOST_STEPS = 16
MOST_CONFIRMED = 8


@dataclass(frozen=True)
class Tried:
    """One rate that was tried.

    Args:
        rps: Requests a second that were due.
        achieved_rps: That were answered well.
        p50_ms: Median latency, from when a request was due.
        p99_ms: 99th percentile.
        failed: Requests that failed.
        late: Requests that the generator sent more than 10 ms late.
        seconds: For how long.
        holds: Whether the server held it.
    """

    rps: float
    achieved_rps: float
    p50_ms: float
    p99_ms: float
    failed: int
    late: int
    seconds: float
    holds: bool


def judge(measured: Measured, p99_ms: float) -> Tried:
    """Whether a server held a rate.

    Args:
        measured: What became of the requests.
        p99_ms: The bound.
    """
    failed, found = sum(measured.failed.values()), measured.latency
    keeps_up = measured.achieved_rps >= KEEPS_UP * measured.offered_rps
    holds = failed == 0 and keeps_up and found.p99 <= p99_ms
    return Tried(
        rps=measured.offered_rps,
        achieved_rps=measured.achieved_rps,
        p50_ms=found.p50,
        p99_ms=found.p99,
        failed=failed,
        late=measured.late(10.0),
        seconds=measured.seconds,
        holds=bool(holds),
    )


def find_knee(try_rate: Callable[[float], Tried], first_rps: float, finest: float) -> tuple[float, list[Tried]]:
    """Search for the highest rate that holds.

    Args:
        try_rate: Measures one rate.
        first_rps: Where to begin.
        finest: The search ends where the gap is this part of the rate.

    Returns:
        The knee in requests a second, and everything that was tried.

    Raises:
        ValueError: No rate holds, down to a hundredth of ``first_rps``.
    """
    tried: list[Tried] = []
    good, bad, rate = 0.0, float("inf"), first_rps
    while len(tried) < MOST_STEPS and (bad == float("inf") or good == 0 or bad - good > finest * good):
        if rate < first_rps / 100:
            break
        tried.append(try_rate(rate))
        if tried[-1].holds:
            good = rate
        else:
            bad = rate
        rate = _next(good, bad)
    if good == 0:
        raise ValueError(f"no rate from {first_rps:g} requests a second down was held: {tried}")
    return good, tried


def confirm(try_long: Callable[[float], Tried], rate: float, less: float) -> tuple[float, list[Tried]]:
    """Hold a rate that was found for longer, or else the next lower one that holds.

    Args:
        try_long: Measures one rate, longer than the search did.
        rate: That was found.
        less: Part of the rate that it is lowered by.

    Returns:
        The rate that holds, and everything that was tried.

    Raises:
        ValueError: None of some lower ones holds either.
    """
    tried: list[Tried] = []
    while len(tried) < MOST_CONFIRMED:
        tried.append(try_long(rate))
        if tried[-1].holds:
            return rate, tried
        rate *= 1 - less
    raise ValueError(f"no rate from {tried[0].rps:g} requests a second down is held for longer: {tried}")


def _next(good: float, bad: float) -> float:
    if bad == float("inf"):
        return GROWTH * good
    return bad / 2 if good == 0 else (good * bad) ** 0.5
