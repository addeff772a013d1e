"""What one look found, as a table for people."""

from __future__ import annotations

from rich.table import Table

from deploy.watching.observing import Observation, Readings
from deploy.watching.uptime import DAYS, Uptime

_UNKNOWN = "not enough requests"


def table_of(seen: Observation, uptime: Uptime) -> Table:
    """One column a release, and the share of questions that were answered of late."""
    releases = [seen.live] if seen.canary is None else [seen.live, seen.canary]
    table = Table("", *(f"{name} {one.release}" for name, one in zip(("live", "on trial"), releases, strict=False)))
    for label, show in (
        ("requests", _requests),
        ("failed", _failed),
        ("p99", _p99),
        ("recall@10", _recall),
        ("questions", _questions),
        ("drift", _drift),
    ):
        table.add_row(label, *map(show, releases))
    if uptime.share is not None:
        table.add_row(f"answered, last {DAYS} recorded days", f"{uptime.share:.3%} of {uptime.asked:,} questions")
    return table


def _requests(readings: Readings) -> str:
    traffic = readings.traffic
    return _UNKNOWN if traffic is None else f"{traffic.requests:,} in {traffic.seconds:.0f} s"


def _failed(readings: Readings) -> str:
    return _UNKNOWN if readings.traffic is None else f"{readings.traffic.error_rate:.2%}"


def _p99(readings: Readings) -> str:
    shown = (f"{kind} {latency.p99_ms:.1f} ms" for kind, latency in readings.latencies.items())
    return ", ".join(shown) or _UNKNOWN


def _recall(readings: Readings) -> str:
    recall = readings.recall
    return "not known" if recall is None else f"{recall.mean:.3f}, {recall.baseline:.3f} when made"


def _questions(readings: Readings) -> str:
    return f"{readings.answered} of {readings.asked} answered"


def _drift(readings: Readings) -> str:
    return "not known" if readings.drift is None else readings.drift or "none"
