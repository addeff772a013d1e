"""What a switch is asked for, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Action = Literal["activate", "rollback", "canary", "end_canary", "prune"]
# Told what a switch is doing, in a few words, as it goes on.
Tell = Callable[[str], None]


def silent(_text: str) -> None:
    """A ``Tell`` where nobody is to be told."""


@dataclass(frozen=True)
class By:
    """Who wants a switch, and why; both are written to the audit log.

    Args:
        who: A person's or a program's name.
        why: In words; may be empty.
    """

    who: str
    why: str = ""

    def __post_init__(self) -> None:
        if not self.who:
            raise ValueError("`who` must name somebody, got ''")


@dataclass(frozen=True)
class Canary:
    """A release that answers a share of the traffic.

    Args:
        release: Its number.
        share: Of the callers' keys, above 0 and at most 1; 0 for one that is asked by name alone.
    """

    release: int
    share: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise ValueError(f"`share` must be 0 to 1, got {self.share}")


@dataclass(frozen=True)
class Status:
    """What a server answers from.

    Args:
        live: The release that the public names answer from.
        previous: The one that ``rollback`` would go to; None where there is none.
        canary: The release on trial.
        loaded: All releases whose parts are loaded, ascending: going to one of them takes a moment.
        since: When the live one became so, ISO 8601, UTC.
        switching: What is being done just now; None for nothing.
    """

    live: int
    previous: int | None
    canary: Canary | None
    loaded: tuple[int, ...]
    since: str
    switching: str | None = None


@dataclass(frozen=True)
class Switched:
    """A switch that was made.

    Args:
        action: What was done.
        before: The release that was live, or on trial.
        after: The one that is.
        seconds: How long it took, loading included.
        told: The same in a sentence.
    """

    action: Action
    before: int
    after: int
    seconds: float
    told: str
