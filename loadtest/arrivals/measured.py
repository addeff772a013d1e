"""What a load came to."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loadtest import errors
from loadtest.arrivals.records import CUT_OFF, OK, Records
from loadtest.arrivals.timeline import Quantiles, Second, by_second

REJECTED = ("QueueFull",)
"""Errors by which the server says that it has too much to do."""
WRONG = tuple(
    name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, errors.WrongAnswer)
)
"""Errors of the checks on the content of answers."""
LATE_MS = (1.0, 10.0)
FIGURES = 4


@dataclass(frozen=True)
class Measured:
    """What a load came to. Latencies count from the time that a request was **due**, not from when it was sent.

    Args:
        records: One row a request that was sent, or should have been.
        seconds: How long requests were due: as planned, or until the load was stopped.
        planned: Requests that were scheduled, those after a stop too.
        processes: How many processes made the load.
        generator_cpu_s: Processor time that they took, in seconds.
        started: When it started, in seconds since 1970.
        stopped: Whether it was stopped before its end.
    """

    records: Records
    seconds: float
    planned: int
    processes: int = 1
    generator_cpu_s: float = 0.0
    started: float = 0.0
    stopped: bool = field(default=False)

    @cached_property
    def outcomes(self) -> Counter[str]:
        """How many requests ended how."""
        counts = np.bincount(self.records.outcome, minlength=len(self.records.outcomes))
        return Counter({name: int(count) for name, count in zip(self.records.outcomes, counts, strict=True) if count})

    @property
    def scheduled(self) -> int:
        """Requests that were due."""
        return len(self.records)

    @property
    def ok(self) -> int:
        """Requests with an answer that passed all checks."""
        return self.outcomes[OK]

    @property
    def failed(self) -> dict[str, int]:
        """Requests that failed, by the class name of the error; those that the server rejected among them."""
        return {name: count for name, count in sorted(self.outcomes.items()) if name not in {OK, CUT_OFF}}

    @property
    def cut_off(self) -> int:
        """Requests in flight when the load was stopped."""
        return self.outcomes[CUT_OFF]

    @property
    def rejected(self) -> int:
        """Requests that the server refused because too many wait."""
        return sum(self.outcomes[name] for name in REJECTED)

    @property
    def sent_again(self) -> int:
        """Requests that the server could not answer at first, and that were sent again."""
        return int((self.records.sent_again > 0).sum())

    @property
    def ok_again(self) -> int:
        """Of those that were sent again, how many were answered in the end."""
        return int(((self.records.sent_again > 0) & self.records.is_outcome(OK)).sum())

    @property
    def wrong(self) -> int:
        """Answers that did not pass a check on their content."""
        return sum(self.outcomes[name] for name in WRONG)

    @property
    def error_rate(self) -> float:
        """Failed over done, rejected ones among the failed."""
        failed = sum(self.failed.values())
        return failed / max(1, failed + self.ok)

    def late(self, more_than_ms: float = LATE_MS[0]) -> int:
        """Requests that were sent later than they were due, by more than that: the generator's own fault."""
        return int((self.records.late_ms > more_than_ms).sum())

    @property
    def offered_rps(self) -> float:
        """Requests a second that were due."""
        return self.scheduled / self.seconds

    @cached_property
    def achieved_rps(self) -> float:
        """Successful answers a second, up to the last of them: a backlog that is worked off late counts against it."""
        if not self.ok:
            return 0.0
        rows = self.records.is_outcome(OK)
        last = float((self.records.due_s[rows] + self.records.latency_ms[rows] / 1000).max())
        return self.ok / max(self.seconds, last)

    @cached_property
    def latency(self) -> Quantiles:
        """Latencies of all that succeeded."""
        return self.quantiles()

    def quantiles(self, kind: str | None = None, release: int | None = None) -> Quantiles:
        """Latencies of those that succeeded, of one kind or one release."""
        mask = self.records.is_outcome(OK)
        if kind is not None:
            mask &= self.records.kind == self.records.kinds.index(kind)
        if release is not None:
            mask &= self.records.release == release
        return Quantiles.of(self.records.latency_ms[mask])

    @property
    def kinds(self) -> dict[str, Measured]:
        """The same of each kind of request that was sent."""
        return {
            name: self._part(self.records.kind == place)
            for place, name in enumerate(self.records.kinds)
            if (self.records.kind == place).any()
        }

    def between(self, first_s: float, last_s: float) -> Measured:
        """The same of the requests that were due between two times, in seconds from the start."""
        due = self.records.due_s
        part = self._part((due >= first_s) & (due < last_s))
        return Measured(part.records, last_s - first_s, part.planned, self.processes, started=self.started + first_s)

    def _part(self, mask: NDArray[np.bool_]) -> Measured:
        part = self.records.where(mask)
        return Measured(part, self.seconds, len(part), self.processes, started=self.started, stopped=self.stopped)

    @property
    def releases(self) -> dict[int, int]:
        """How many answers each release gave."""
        numbers, counts = np.unique(self.records.release[self.records.release > 0], return_counts=True)
        return dict(zip(numbers.tolist(), counts.tolist(), strict=True))

    @property
    def recall(self) -> float | None:
        """Share of queries with a known answer that found it; None where there was none."""
        asked = int(self.records.asked.sum())
        return int(self.records.found.sum()) / asked if asked else None

    @property
    def generator_cpu_ms(self) -> float:
        """Processor time that making and checking one request took, in milliseconds."""
        return 1000 * self.generator_cpu_s / max(1, self.scheduled)

    @cached_property
    def timeline(self) -> tuple[Second, ...]:
        """The load, second by second."""
        return tuple(by_second(self.records, self.seconds))

    def to_dict(self) -> dict[str, Any]:
        """Everything but the single requests, ready for JSON; what is not known is None."""
        recall = self.recall
        return {
            "seconds": self.seconds, "planned": self.planned, "scheduled": self.scheduled,
            "offered_rps": _short(self.offered_rps), "achieved_rps": _short(self.achieved_rps),
            "late_1ms": self.late(1), "late_10ms": self.late(10),
            "ok": self.ok, "failed": self.failed, "rejected": self.rejected, "wrong": self.wrong,
            "sent_again": self.sent_again, "ok_again": self.ok_again,
            "cut_off": self.cut_off, "stopped": self.stopped, "error_rate": _short(self.error_rate),
            "latency_ms": _quantiles(self.latency), "recall": None if recall is None else _short(recall),
            "kinds": {name: _kind(part) for name, part in self.kinds.items()},
            "releases": {
                str(number): {"answers": count, **_quantiles(self.quantiles(release=number))}
                for number, count in self.releases.items()
            },
            "generator": {
                "processes": self.processes, "cpu_s": _short(self.generator_cpu_s),
                "cpu_ms_a_request": _short(self.generator_cpu_ms),
            },
            "started": self.started,
            "timeline": [_second(second) for second in self.timeline],
        }  # fmt: skip


def _kind(part: Measured) -> dict[str, Any]:
    recall = None if part.recall is None else _short(part.recall)
    return {
        "scheduled": part.scheduled,
        "ok": part.ok,
        "failed": part.failed,
        "recall": recall,
        **_quantiles(part.latency),
    }


def _quantiles(found: Quantiles) -> dict[str, float | None]:
    return {name: _short(value) for name, value in asdict(found).items() if name != "count"}


def _second(second: Second) -> dict[str, Any]:
    told = asdict(second)
    releases = {str(number): count for number, count in second.releases.items()}
    return told | {"p50": _short(second.p50), "p99": _short(second.p99), "releases": releases}


def _short(value: float) -> float | None:
    """A few figures; NaN, which JSON does not have, is None."""
    return None if value != value else float(f"{value:.{FIGURES}g}")  # noqa: PLR0124


__all__ = ["REJECTED", "WRONG", "Measured", "Quantiles", "Second"]
