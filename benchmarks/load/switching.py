"""Releases are switched under load: what fails, what is mixed, what it costs callers in time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np

from benchmarks.load.bench import TIMEOUT_S, Bench
from benchmarks.load.director import BY, Did, Director, timetable
from benchmarks.load.known import Known, ask_all, both, told_apart
from clients import RetryPolicy
from deploy.events import Event
from loadtest.arrivals.fleet import Fleet
from loadtest.arrivals.measured import WRONG, Measured, Quantiles
from loadtest.arrivals.profiles import steady
from loadtest.arrivals.records import CUT_OFF, OK
from loadtest.arrivals.schedule import make_schedule

AFTER_S = 1.0
"""A switch is felt for so long at most: what waited for it is answered by then."""
RESTART_AFTER_S = 5.0
"""Requests that met a server that ends are told so within this time after it is back."""

Span = tuple[float, float]


def measure_switch(bench: Bench, rate: float, processes: int) -> dict[str, Any]:
    """Load a server steadily, with writes, while its releases are switched; refused requests are sent again.

    Args:
        bench: The server; the first of its releases is live.
        rate: Requests a second.
        processes: How many send it.

    Raises:
        ValueError: The releases answer too much alike to be told apart.
    """
    known = _ask_both(bench)
    apart = told_apart(known)
    if apart < 0.9:
        raise ValueError(f"the releases answer alike to {1 - apart:.0%} of the requests; mixed answers would not show")
    told, traffic = len(bench.server.events), bench.traffic
    url = bench.server.grpc_url
    callers: dict[str, Any] = {"processes": processes, "timeout_s": TIMEOUT_S, "retries": RetryPolicy()}
    with Fleet(url, traffic, **callers, references=known) as fleet:
        run = fleet.start(make_schedule(traffic, steady(rate, bench.plan.switch_s), seed=99))
        director = Director(bench.server.switchboard, url, bench.releases, traffic, lambda: run.second)
        thread = threading.Thread(target=director.direct, args=(timetable(bench.plan),))
        thread.start()
        measured = run.wait()
        thread.join()
    return {**summary(measured, director.done, bench.server.events[told:]), "apart": round(apart, 4),
            "trial": dict(director.trial)}  # fmt: skip


def _ask_both(bench: Bench) -> Known:
    """What each release answers when it is live alone; the first one is live again afterwards."""
    first, second = bench.releases
    board, url = bench.server.switchboard, bench.server.grpc_url
    one = ask_all(url, bench.traffic, first)
    board.activate(second, BY, lambda _: None)
    other = ask_all(url, bench.traffic, second)
    board.rollback(BY, lambda _: None)
    return both(one, first, other, second)


def summary(measured: Measured, done: Sequence[Did], events: Sequence[Event]) -> dict[str, Any]:
    """What became of callers.

    Args:
        measured: The whole load.
        done: What was switched when.
        events: Of the server meanwhile.
    """
    restarts = restart_spans(events, measured.started)
    due = measured.records.due_s
    down = inside(due, restarts)
    switching = inside(due, [(one.begun, one.ended + AFTER_S) for one in done]) & ~down
    ok = measured.records.is_outcome(OK)
    failed = ~ok & ~measured.records.is_outcome(CUT_OFF)
    wrong = np.zeros(len(due), bool)
    for name in WRONG:
        wrong |= measured.records.is_outcome(name)
    p99, p99_without = (
        Quantiles.of(measured.records.latency_ms[ok & mask]).p99 for mask in (switching, ~switching & ~down)
    )
    outside = ~down & ~wrong
    made = [one for one in done if one.error is None]
    return {
        "seconds": measured.seconds,
        "rps": round(measured.offered_rps, 1),
        "requests": measured.scheduled,
        "activations": sum(one.action in ("activate", "rollback") for one in made),
        "not_done": [asdict(one) for one in done if one.error is not None],
        "refused_at_first": int(((failed | (measured.records.sent_again > 0)) & outside).sum()),
        "failed": int((failed & outside).sum()),
        "failed_by_kind": measured.failed,
        "failed_in_restarts": int((failed & down & ~wrong).sum()),
        "restarts": len(restarts),
        "restart_s": round(sum(ended - begun for begun, ended in restarts), 1),
        "mixed": int(wrong.sum()),
        "releases": {str(number): count for number, count in measured.releases.items()},
        "p50_ms": round(measured.latency.p50, 1),
        "p99_ms": round(p99, 1),
        "p99_without_ms": round(p99_without, 1),
        "p99_ratio": round(p99 / p99_without, 3) if p99_without else None,
        "switch_s": {
            action: [round(one.ended - one.begun, 2) for one in made if one.action == action]
            for action in ("activate", "rollback", "canary", "end_canary")
        },
        "late_10ms": measured.late(10.0),
        "writes": sum(measured.kinds[kind].ok for kind in ("upsert", "patch") if kind in measured.kinds),
    }


def restart_spans(events: Sequence[Event], started: float) -> list[Span]:
    """When the server was being started again: seconds from the start of the load, a moment afterwards included.

    Args:
        events: Of the server.
        started: When the load started, in seconds since 1970.
    """
    spans: list[Span] = []
    begun: float | None = None
    for event in events:
        at = datetime.fromisoformat(event.time).timestamp() - started
        if event.kind == "restarting" and begun is None:
            begun = at - AFTER_S
        elif event.kind in ("restarted", "gave_up") and begun is not None:
            spans.append((begun, at + RESTART_AFTER_S))
            begun = None
    return spans if begun is None else [*spans, (begun, float("inf"))]


def inside(seconds: Any, spans: Sequence[Span]) -> Any:
    """``(n,)`` bool: which of some times lie in one of some spans."""
    mask = np.zeros(len(seconds), bool)
    for begun, ended in spans:
        mask |= (seconds >= begun) & (seconds <= ended)
    return mask
