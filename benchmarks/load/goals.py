"""What the measurement is held to; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

P99_TIMES = 2.0
RECOVERS_S = 10.0
RESTART_S = 60.0


@dataclass(frozen=True)
class Goal:
    """One line of the verdict.

    Args:
        what: What was to hold.
        found: What was found.
        met: Whether it held.
        correctness: Whether the answers are wrong where it did not: such a run says nothing.
    """

    what: str
    found: str
    met: bool
    correctness: bool = False


def goals(figures: Mapping[str, Any]) -> list[Goal]:
    """Judge the parts that were measured."""
    return [*_steady(figures), *_overload(figures), *_switch(figures)]


def _steady(figures: Mapping[str, Any]) -> Iterator[Goal]:
    for name in ("at_50", "at_80"):
        if name in figures:
            part = figures[name]
            share = f"at {name[3:]} % of the knee"
            yield Goal(f"{share}: no wrong answers", f"{part['wrong']}", part["wrong"] == 0, correctness=True)
            yield Goal(f"{share}: no errors", f"{part['errors']} of {part['requests']:,}", part["errors"] == 0)


def _overload(figures: Mapping[str, Any]) -> Iterator[Goal]:
    if "overload_3x" not in figures:
        return
    part, bound = figures["overload_3x"], P99_TIMES * figures["knee"]["p99_ms"]
    yield Goal("overload: no wrong answers", f"{part['wrong']}", part["wrong"] == 0, correctness=True)
    others = {name: count for name, count in part["failed"].items() if name != "QueueFull"}
    yield Goal(
        "overload: the excess is rejected with QueueFull, and nothing else fails", f"{others or 'nothing'}", not others
    )
    found = f"{part['accepted_p99_ms']:,} ms"
    yield Goal(
        f"overload: accepted p99 at most {bound:,.0f} ms, twice that at the knee",
        found,
        part["accepted_p99_ms"] <= bound,
    )
    recovery = part["recovery_s"]
    yield Goal(f"overload: normal again within {RECOVERS_S:g} s", f"{recovery:g} s", recovery <= RECOVERS_S)


def _switch(figures: Mapping[str, Any]) -> Iterator[Goal]:
    if "switch" not in figures:
        return
    part = figures["switch"]
    yield Goal(
        "switches: no mixed answers", f"{part['mixed']} of {part['requests']:,}", part["mixed"] == 0, correctness=True
    )
    yield Goal("switches: all were made", f"{part['activations']}, {len(part['not_done'])} not", not part["not_done"])
    yield Goal(
        "switches: no request failed for a caller of the clients, outside of a supervised restart",
        f"{part['failed']} of {part['refused_at_first']} that had no answer at first",
        part["failed"] == 0,
    )
    told = f"{part['restarts']} restarts, {part['restart_s']:g} s, {part['failed_in_restarts']} requests"
    yield Goal(f"switches: restarts at most {RESTART_S:g} s in all", told, part["restart_s"] <= RESTART_S)
    ratio = part["p99_ratio"]
    yield Goal(
        f"switches: p99 meanwhile at most {P99_TIMES:g} times that without",
        f"{ratio}",
        ratio is not None and ratio <= P99_TIMES,
    )
