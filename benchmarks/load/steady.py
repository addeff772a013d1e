"""A steady load below the knee: latencies, processor time, and where the time goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from benchmarks.load.bench import Bench
from benchmarks.load.knee import Tried, confirm, find_knee, judge
from benchmarks.load.processor import processor_s, spent_between
from benchmarks.load.stages import read_counts, stages
from loadtest.arrivals.measured import Measured


def measure_knee(bench: Bench) -> dict[str, Any]:
    """Search for the knee, and tell everything that was tried."""
    plan = bench.plan

    def trying(seconds: float) -> Callable[[float], Tried]:
        return lambda rate: judge(bench.load(rate, seconds), plan.p99_ms)

    found, searched = find_knee(trying(plan.step_s), plan.first_rps, plan.finest)
    rps, confirmed = confirm(trying(plan.confirm_s), found, plan.finest)
    return {
        "knee_rps": round(rps, 1),
        "knee": {"p50_ms": confirmed[-1].p50_ms, "p99_ms": confirmed[-1].p99_ms},
        "tried": [*map(asdict, (*searched, *confirmed))],
    }


def measure_steady(bench: Bench, rate: float) -> dict[str, Any]:
    """Load a server for a while at one rate.

    Args:
        bench: The server.
        rate: Requests a second.
    """
    pid, url = bench.server.pid, bench.server.metrics_url
    spent, counted = processor_s(pid), read_counts(url)
    measured = bench.load(rate, bench.plan.steady_s)
    processor = spent_between(spent, processor_s(pid))
    return {
        **latencies(measured),
        "core_s_per_million": round(1e6 * sum(processor.values()) / max(1, measured.scheduled)),
        "generator_core_s_per_million": round(1e6 * measured.generator_cpu_s / max(1, measured.scheduled)),
        "processor_s": {name: round(seconds, 2) for name, seconds in processor.items()},
        "stages": [asdict(stage) for stage in stages(counted, read_counts(url))],
    }


def latencies(measured: Measured) -> dict[str, Any]:
    """The figures of a load, as ``load.json`` has them."""
    found = measured.latency
    return {
        "rps": round(measured.offered_rps, 1),
        "p50_ms": round(found.p50, 2),
        "p99_ms": round(found.p99, 2),
        "p999_ms": round(found.p999, 2),
        "errors": sum(measured.failed.values()),
        "requests": measured.scheduled,
        "failed": measured.failed,
        "wrong": measured.wrong,
        "late_10ms": measured.late(10.0),
        "kinds": {
            name: {
                "requests": part.scheduled,
                "p50_ms": round(part.latency.p50, 2),
                "p99_ms": round(part.latency.p99, 2),
            }
            for name, part in measured.kinds.items()
        },
    }
