"""Readings and observations that a test makes up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from deploy.switching.values import Canary, Status
from deploy.watching.bounds import Bounds
from deploy.watching.observing import Latency, Observation, Readings, Recall, Traffic

BOUNDS = Bounds(breaches_in_a_row=3, grace_s=60.0, probation_s=3_600.0, cooldown_s=1_800.0)
START = 1_800_000_000.0


def well(release: int, **changed: Any) -> Readings:
    """A release that breaches nothing."""
    readings = Readings(
        release,
        traffic=Traffic(10.0, 1_000, 1),
        latencies={"search_text": Latency(1_000, 40.0, (40.0,) * 10)},
        recall=Recall(190.0, 200, 0.95),
        answered=20,
    )
    return replace(readings, **changed)


def failing(release: int, share: float = 0.1) -> Readings:
    return well(release, traffic=Traffic(10.0, 1_000, round(1_000 * share)), failed=2)


def slow(release: int, p99_ms: float = 900.0) -> Readings:
    return well(release, latencies={"search_text": Latency(1_000, p99_ms, (p99_ms,) * 3)})


def nonsense(release: int) -> Readings:
    """Callers send what is refused before it is searched for, so that nobody counts whose fault it is."""
    return well(release, traffic=Traffic(10.0, 1_000, 150))


def cut_off(release: int) -> Readings:
    """The database is gone: nothing is answered."""
    traffic = Traffic(10.0, 1_000, 50, own=20)
    return well(release, traffic=traffic, recall=None, answered=0, failed=20, cut_off=True)


def refusing(release: int) -> Readings:
    """As many requests as ever, and most of them are refused by full queues."""
    return well(release, traffic=Traffic(10.0, 1_000, 0, rejected=700, queued=0.8), answered=6, refused=14)


def hanging(release: int) -> Readings:
    """No request ends, so that none is counted; questions end for want of time."""
    return Readings(release, failed=10)


def spoiled(release: int) -> Readings:
    return well(release, recall=Recall(10.0, 60, 0.95), examples=("question 3 finds nothing",))


def iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")


def seen(live: Readings, *, at: float, since: float = START, previous: int | None = 1, **more: Any) -> Observation:
    """A look at a live release, ``at`` seconds after it became so."""
    canary: Readings | None = more.pop("canary", None)
    trial = None if canary is None else Canary(canary.release, 0.1)
    loaded = tuple(sorted({live.release} | ({previous} if previous else set())))
    status = Status(live.release, previous, trial, loaded, iso(since), more.pop("switching", None))
    return Observation(since + at, status, live, canary, **more)
