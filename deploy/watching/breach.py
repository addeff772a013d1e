"""What is said of a release that is judged: the bounds by name, a breach of one, and what it is held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deploy.watching.bounds import Bounds
from deploy.watching.observing import Readings

Bound = Literal[
    "error_rate", "question_failures", "p99_ms", "p99_ratio", "recall_drop", "drift", "restarts"
]  # fmt: skip
BOUNDS: tuple[Bound, ...] = (
    "error_rate", "question_failures", "p99_ms", "p99_ratio", "recall_drop", "drift", "restarts",
)  # fmt: skip


@dataclass(frozen=True)
class Breach:
    """A bound that is breached.

    Args:
        bound: Its name in the file of bounds.
        release: The release that breaches it.
        told: The figure, the bound and the samples, in words.
        excuse: Why the release is not to blame; None where it is.
        for_a_person: Whether a person must look at it although it is excused.
    """

    bound: Bound
    release: int
    told: str
    excuse: str | None = None
    for_a_person: bool = False

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
        per_s: Requests a second that come to the release, as last measured; None where that is not known.
    """

    bounds: Bounds
    other: Readings | None = None
    at_once: bool = False
    away: str | None = None
    restarts: int = 0
    per_s: float | None = None

    @property
    def when(self) -> str:
        """When the other release was measured."""
        return "at the same time" if self.at_once else "before the switch"


def breach(bound: Bound, readings: Readings, told: str, excuse: str | None = None) -> Breach:
    """A breach, told with the number of its release."""
    return Breach(bound, readings.release, f"release {readings.release}: {told}", excuse)
