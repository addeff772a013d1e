"""Bounds on times, by kind of request. Pure.

A 99th percentile of one minute is a noisy figure. A release is slower than another where its best minute of those in a
row is slower than the other's worst of the last ten, by `p99_ratio`; and only where each minute has enough requests.
"""

from __future__ import annotations

from collections.abc import Iterator

from deploy.watching.breach import Breach, Context, breach
from deploy.watching.excuses import more_load, trouble
from deploy.watching.observing import Latency, Readings

# Of the other release; fewer tell too little of how its percentiles stray.
LEAST_MINUTES = 3
# Of p99_ms: times below are fast enough, whatever they are a multiple of.
FAST_ENOUGH = 0.2


def slow(readings: Readings, context: Context) -> Iterator[Breach]:
    """The kinds of request that are slower than is allowed, whatever the other release takes."""
    bounds = context.bounds
    for kind, latency in readings.latencies.items():
        if latency.p99_ms > bounds.p99_ms:
            told = f"{_p99(kind, latency)} (p99_ms {bounds.p99_ms:g})"
            other = _other(kind, context)
            as_slow = other is not None and bounds.p99_ms < other.p99_ms >= latency.p99_ms / bounds.p99_ratio
            excuse = _theirs(context, f"{other.p99_ms:.1f} ms") if other and as_slow else trouble(readings, context)
            yield breach("p99_ms", readings, told, excuse)


def slower(readings: Readings, context: Context) -> Iterator[Breach]:
    """The kinds of request that are slower than with the other release."""
    bounds = context.bounds
    for kind, latency in readings.latencies.items():
        other = _other(kind, context)
        if other is None or len(other.minutes) < LEAST_MINUTES or not latency.minutes:
            continue
        worst = max(other.minutes)
        if latency.p99_ms > max(bounds.p99_ratio * worst, FAST_ENOUGH * bounds.p99_ms):
            times = f"{latency.p99_ms / worst:.1f} times" if worst > 0 else "more than"
            theirs = _theirs(context, f"{worst:.1f} ms of the worst of {len(other.minutes)} minutes")
            told = f"{_p99(kind, latency)}, {times} the {theirs} (p99_ratio {bounds.p99_ratio:g})"
            yield breach("p99_ratio", readings, told, more_load(readings, context) or trouble(readings, context))


def _p99(kind: str, latency: Latency) -> str:
    return f"{kind} has a p99 of {latency.p99_ms:.1f} ms over {latency.requests:,} requests"


def _other(kind: str, context: Context) -> Latency | None:
    return None if context.other is None else context.other.latencies.get(kind)


def _theirs(context: Context, told: str) -> str:
    release = "" if context.other is None else f" with release {context.other.release}"
    return f"{told} {context.when}{release}"
