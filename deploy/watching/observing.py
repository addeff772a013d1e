"""What one look saw, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from deploy.switching.values import Status


@dataclass(frozen=True)
class Latency:
    """How long requests of one kind took.

    Args:
        requests: How many were answered.
        p99_ms: 99th percentile of their time in the server, queues included.
    """

    requests: int
    p99_ms: float


@dataclass(frozen=True)
class Recall:
    """How well questions with known answers were answered.

    Args:
        found: Sum over the questions of the share of right products among the first ten.
        asked: Questions that were answered, and of which a right product is still in the catalogue.
        baseline: The mean that the release reached when it was made.
    """

    found: float
    asked: int
    baseline: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.found <= self.asked + 1e-9:
            raise ValueError(f"`found` must be 0 to `asked`, got {self.found} of {self.asked}")

    @property
    def mean(self) -> float:
        """Recall@10; 1 where nothing was asked."""
        return self.found / self.asked if self.asked else 1.0


@dataclass(frozen=True)
class Traffic:
    """Requests that nobody has judged before.

    Args:
        seconds: The time that they came in.
        requests: Those that ended, failed ones among them.
        failures: Those that failed: refused as wrong, by a full queue, or for the server's own trouble. Triton tells
            these apart only in part.
        rejected: Those of which it is known that a full queue refused them; not in ``failures``.
        queued: Share of the time that requests spent waiting in queues.
    """

    seconds: float
    requests: int
    failures: int = 0
    rejected: int = 0
    queued: float = 0.0

    def __post_init__(self) -> None:
        if not (self.seconds > 0 and self.requests > 0 and 0 <= self.failures <= self.requests):
            raise ValueError(f"`seconds` and `requests` above 0, `failures` 0 to `requests` expected, got {self}")

    @property
    def error_rate(self) -> float:
        """Share of requests that failed."""
        return self.failures / self.requests

    @property
    def per_s(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


@dataclass(frozen=True)
class Readings:
    """One release, as far as there is something new to judge.

    Args:
        release: Its number.
        traffic: None where too few requests came since the last judgement.
        latencies: By kind of request, such as ``search_text``; those of which enough came.
        recall: None where the release has no questions, or no new answer.
        answered: Questions that were answered since the last look.
        refused: Questions that a full queue refused.
        failed: Questions that got another error, or nothing in time.
        drift: What a drift alarm says; None for none, empty for no alarm.
        examples: Of what went wrong, in words.
    """

    release: int
    traffic: Traffic | None = None
    latencies: Mapping[str, Latency] = field(default_factory=dict)
    recall: Recall | None = None
    answered: int = 0
    refused: int = 0
    failed: int = 0
    drift: str | None = None
    examples: tuple[str, ...] = ()

    @property
    def strained(self) -> bool:
        """Whether there are more requests than are worked off."""
        waiting = self.traffic is not None and (self.traffic.rejected > 0 or self.traffic.queued >= 0.5)
        return waiting or self.refused > 0

    @property
    def without_times(self) -> Readings:
        """The same without what a switch itself does to requests: cold caches, and percentiles from before it."""
        return replace(self, traffic=None, latencies={})

    def after(self, before: Readings | None) -> Readings:
        """The same, with what was known before in place of what is not new."""
        if before is None or before.release != self.release:
            return self
        return replace(
            self,
            traffic=self.traffic or before.traffic,
            latencies={**before.latencies, **self.latencies},
            recall=self.recall or before.recall,
        )


@dataclass(frozen=True)
class Observation:
    """One look.

    Args:
        time: When, in seconds since 1970.
        status: What the server answers from.
        live: The live release.
        canary: The one on trial.
        away: What the server needs and does not reach, in words; None for nothing.
        restarts: Restarts of the server since the live release became so.
        gone_back: Whether the live release became so by going back to it, and not by an activation.
        bad: Releases that were rolled back from, ever.
        rolled_back: When this program last tried to roll back, in seconds since 1970.
    """

    time: float
    status: Status
    live: Readings
    canary: Readings | None = None
    away: str | None = None
    restarts: int = 0
    gone_back: bool = False
    bad: frozenset[int] = frozenset()
    rolled_back: float | None = None

    @property
    def age_s(self) -> float:
        """Seconds since the live release became so; endless where the server does not say."""
        return self.time - seconds_of(self.status.since) if self.status.since else float("inf")


def seconds_of(time: str) -> float:
    """Seconds since 1970 of an ISO 8601 time; one without a zone is UTC.

    Raises:
        ValueError: It is not ISO 8601.
    """
    told = datetime.fromisoformat(time)
    return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
