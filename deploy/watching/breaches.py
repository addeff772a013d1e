"""Which bounds a release breaches, and which breaches are not its fault. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from deploy.watching.binomial import surely_above, surely_below
from deploy.watching.bounds import Bounds
from deploy.watching.observing import Latency, Readings, Recall

Bound = Literal["error_rate", "p99_ms", "p99_ratio", "recall_drop", "drift", "restarts"]
BOUNDS: tuple[Bound, ...] = ("error_rate", "p99_ms", "p99_ratio", "recall_drop", "drift", "restarts")
# With so many times the requests of before a switch, full queues are no news of the release.
MORE_LOAD = 1.5


@dataclass(frozen=True)
class Breach:
    """A bound that is breached.

    Args:
        bound: Its name in the file of bounds.
        release: The release that breaches it.
        told: The figure, the bound and the samples, in words.
        excuse: Why the release is not to blame; None where it is.
    """

    bound: Bound
    release: int
    told: str
    excuse: str | None = None

    @property
    def sentence(self) -> str:
        """The whole of it."""
        return self.told if self.excuse is None else f"{self.told}; not the release's fault: {self.excuse}"


@dataclass(frozen=True)
class Context:
    """What a release is held against.

    Args:
        bounds: What is allowed.
        other: The live release for one on trial; for the live one, the release before it as it was last measured before
            the switch. None where there is no such measurement.
        at_once: Whether both were measured in the same time.
        away: What the server needs and does not reach, in words.
        restarts: Of the server, since the switch.
    """

    bounds: Bounds
    other: Readings | None = None
    at_once: bool = False
    away: str | None = None
    restarts: int = 0

    @property
    def when(self) -> str:
        """When the other one was measured."""
        return "at the same time" if self.at_once else "before the switch"


def breaches(readings: Readings, context: Context) -> tuple[Breach, ...]:
    """Every bound that the release breaches, those with an excuse among them."""
    trouble = _trouble(readings, context)
    # What load, or something else that is away, does to any release.
    shared = (*_errors(readings, context), *_times(readings, context), *_ratios(readings, context))
    excused = (replace(one, excuse=one.excuse or trouble) for one in shared)
    return (*excused, *_recall(readings, context), *_drift(readings, context), *_restarts(readings, context))


def judged(readings: Readings) -> frozenset[Bound]:
    """The bounds that these readings say something of; of the others nothing is known that was not known before."""
    known: set[Bound] = {"restarts"}
    if readings.traffic is not None:
        known.add("error_rate")
    if readings.latencies:
        known |= {"p99_ms", "p99_ratio"}
    if readings.recall is not None:
        known.add("recall_drop")
    if readings.drift is not None:
        known.add("drift")
    return frozenset(known)


def _trouble(readings: Readings, context: Context) -> str | None:
    """What makes any release slow, or fail, just now."""
    other = context.other
    if context.away is not None:
        return context.away
    if not readings.strained:
        return None
    if context.at_once:
        both = other is not None and other.strained
        return f"requests to release {other.release} wait in full queues as well" if other and both else None
    if other is None or other.traffic is None or readings.traffic is None:
        return "requests wait in full queues, and how many came before the switch is not known"
    now, before = readings.traffic.per_s, other.traffic.per_s
    more = f"requests wait in full queues: {now:.1f} a second come, {before:.1f} came before the switch"
    return more if now > MORE_LOAD * before else None


def _errors(readings: Readings, context: Context) -> Iterator[Breach]:
    traffic, allowed = readings.traffic, context.bounds.error_rate
    if traffic is None or not surely_above(traffic.failures, traffic.requests, allowed):
        return
    told = f"{traffic.error_rate:.2%} of {traffic.requests:,} requests failed (error_rate {allowed:.2%})"
    other = context.other
    if other is None or other.traffic is None:
        sound = readings.answered > 0 and readings.failed == 0
        unknown = "every question with a known answer is answered, and how many requests failed before is not known"
        yield _breach("error_rate", readings, told, unknown if sound else None)
        return
    theirs = other.traffic.error_rate
    worse = surely_above(traffic.failures, traffic.requests, min(1.0, allowed + theirs))
    same = f"{theirs:.2%} of {other.traffic.requests:,} failed {context.when} with release {other.release}"
    yield _breach("error_rate", readings, f"{told}, {same}" if worse else told, None if worse else same)


def _times(readings: Readings, context: Context) -> Iterator[Breach]:
    bounds = context.bounds
    for kind, latency in readings.latencies.items():
        if latency.p99_ms > bounds.p99_ms:
            told = f"{_p99(kind, latency)} (p99_ms {bounds.p99_ms:g})"
            other = _other_latency(kind, context)
            as_slow = other is not None and bounds.p99_ms < other.p99_ms >= latency.p99_ms / bounds.p99_ratio
            yield _breach("p99_ms", readings, told, _theirs(context, other) if other and as_slow else None)


def _ratios(readings: Readings, context: Context) -> Iterator[Breach]:
    most = context.bounds.p99_ratio
    for kind, latency in readings.latencies.items():
        other = _other_latency(kind, context)
        if other is not None and 0 < other.p99_ms < latency.p99_ms / most:
            times = latency.p99_ms / other.p99_ms
            told = f"{_p99(kind, latency)}, {times:.1f} times the {_theirs(context, other)} (p99_ratio {most:g})"
            yield _breach("p99_ratio", readings, told)


def _p99(kind: str, latency: Latency) -> str:
    return f"{kind} has a p99 of {latency.p99_ms:.1f} ms over {latency.requests:,} requests"


def _other_latency(kind: str, context: Context) -> Latency | None:
    return None if context.other is None else context.other.latencies.get(kind)


def _theirs(context: Context, latency: Latency) -> str:
    release = "" if context.other is None else f" with release {context.other.release}"
    return f"{latency.p99_ms:.1f} ms {context.when}{release}"


def _recall(readings: Readings, context: Context) -> Iterator[Breach]:
    drop = context.bounds.recall_drop
    if readings.recall is not None and _fell(readings.recall, drop):
        recall = readings.recall
        told = (
            f"recall@10 is {recall.mean:.3f} over {recall.asked} questions, and was {recall.baseline:.3f} when the "
            f"release was made (recall_drop {drop:g})"
        )
        other = None if context.other is None else context.other.recall
        fell_too = other is not None and _fell(other, drop)
        excuse = (
            f"that of release {context.other.release} fell {context.when} too" if context.other and fell_too else None
        )
        yield _breach("recall_drop", readings, told, excuse)


def _fell(recall: Recall, drop: float) -> bool:
    return surely_below(math.ceil(recall.found - 1e-9), recall.asked, recall.baseline - drop)


def _drift(readings: Readings, context: Context) -> Iterator[Breach]:
    if readings.drift:
        only_told = 'queries drift whatever the release; `drift` is "tell"'
        yield _breach("drift", readings, readings.drift, None if context.bounds.drift == "act" else only_told)


def _restarts(readings: Readings, context: Context) -> Iterator[Breach]:
    most = context.bounds.restarts
    if context.restarts > most:
        told = f"the server had to be restarted {context.restarts} times since the switch (restarts {most})"
        yield _breach("restarts", readings, told)


def _breach(bound: Bound, readings: Readings, told: str, excuse: str | None = None) -> Breach:
    return Breach(bound, readings.release, f"release {readings.release}: {told}", excuse)
