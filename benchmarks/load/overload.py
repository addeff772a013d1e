"""Three times the knee for a while, between stretches at half of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.load.bench import Bench
from loadtest.arrivals.measured import REJECTED, Measured, Second
from loadtest.arrivals.profiles import joined, steady

TIMES = 3.0
CALM = 0.5


def measure_overload(bench: Bench, knee_rps: float, knee_p99_ms: float) -> dict[str, Any]:
    """Overload a server, and watch it come back.

    Args:
        bench: The server.
        knee_rps: Its knee.
        knee_p99_ms: Its 99th percentile there: what is normal.
    """
    plan = bench.plan
    calm, storm = steady(CALM * knee_rps, plan.after_s / 2), steady(TIMES * knee_rps, plan.overload_s)
    measured = bench.load(joined([calm, storm, steady(CALM * knee_rps, plan.after_s)]))
    begin, end = calm.duration_s, calm.duration_s + storm.duration_s
    return summary(measured, begin, end, knee_p99_ms)


def summary(measured: Measured, begin: float, end: float, normal_p99_ms: float) -> dict[str, Any]:
    """What became of callers during an overload and after it.

    Args:
        measured: The whole load.
        begin: When the overload began, in seconds.
        end: When it ended.
        normal_p99_ms: A second is normal whose 99th percentile is not above this, and in which nothing fails.
    """
    within = measured.between(begin, end)
    refused = _latencies(within, REJECTED)
    return {
        "offered_rps": round(within.offered_rps, 1),
        "accepted_rps": round(within.ok / (end - begin), 1),
        "accepted_p50_ms": round(within.latency.p50, 1),
        "accepted_p99_ms": round(within.latency.p99, 1),
        "rejected": within.rejected,
        "rejection_p50_ms": _percentile(refused, 50),
        "rejection_p99_ms": _percentile(refused, 99),
        "failed": within.failed,
        "wrong": measured.wrong,
        "late_10ms": within.late(10.0),
        "generator_cores": round(within.generator_cpu_s / (end - begin), 2),
        "recovery_s": recovery_s(measured.timeline, end, normal_p99_ms),
    }


def recovery_s(timeline: tuple[Second, ...], end: float, normal_p99_ms: float) -> float:
    """Seconds from the end of an overload to the end of the last second that is not normal; 0 where all are."""
    late = [
        one.second + 1 - end
        for one in timeline
        if one.second >= end and one.due and (one.failed or not one.p99 <= normal_p99_ms)
    ]
    return round(max(late, default=0.0), 1)


def _latencies(measured: Measured, names: tuple[str, ...]) -> NDArray[np.float32]:
    rows = np.zeros(len(measured.records), bool)
    for name in names:
        rows |= measured.records.is_outcome(name)
    found: NDArray[np.float32] = measured.records.latency_ms[rows]
    return found


def _percentile(values: NDArray[np.float32], share: float) -> float | None:
    return round(float(np.percentile(values, share)), 1) if len(values) else None
