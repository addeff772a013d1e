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
        minutes: The same of the last ten minutes that had enough requests to compare releases by, oldest first. The
            newest is ``p99_ms``; empty where it had too few.
    """

    requests: int
    p99_ms: float
    minutes: tuple[float, ...] = ()


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
        failures: Those that failed, without ``rejected`` and without those known to be a caller's mistake or for want
            of the database. Triton tells these apart only in part: callers' mistakes may be among them.
        rejected: Those of which it is known that a full queue refused them.
        own: Those of ``failures`` that are known to be the server's own.
        queued: Share of the time that requests spent waiting in queues.
    """

    seconds: float
    requests: int
    failures: int = 0
    rejected: int = 0
    queued: float = 0.0
    own: int = 0

    def __post_init__(self) -> None:
        if not (self.seconds > 0 and self.requests > 0):
            raise ValueError(f"`seconds` and `requests` above 0 expected, got {self}")
        if min(self.failures, self.rejected) < 0 or self.unanswered > self.requests:
            raise ValueError(f"`failures` and `rejected` expected from 0, together to `requests`, got {self}")
        if not 0 <= self.own <= self.failures:
            raise ValueError(f"`own` expected from 0 to `failures`, got {self}")

    @property
    def unanswered(self) -> int:
        """Requests that failed or were rejected."""
        return self.failures + self.rejected

    @property
    def faults(self) -> int:
        """Those of them that no caller is to blame for."""
        return self.own + self.rejected

    @property
    def error_rate(self) -> float:
        """Share of requests that were not answered."""
        return self.unanswered / self.requests

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
        drift: What a drift alarm says; None where nothing was looked at, empty for no alarm.
        examples: Of questions that went wrong: their places in the file and ids of products, never texts.
        known: Questions with known answers that the release has.
        cut_off: Whether it cannot follow the catalogue, or could not at the look before.
        changed: Change of the number of products since the release is watched, as a share.
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
    known: int = 0
    cut_off: bool = False
    changed: float = 0.0

    @property
    def asked(self) -> int:
        """Questions that were asked since the last look."""
        return self.answered + self.refused + self.failed

    @property
    def sound(self) -> bool:
        """Whether questions were asked, and each was answered."""
        return self.answered > 0 and self.answered == self.asked

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
            **({} if self.asked else {name: getattr(before, name) for name in ("answered", "refused", "failed")}),
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
