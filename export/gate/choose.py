"""The precision rule: the fastest graph that passes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from export.errors import BadEvaluation, GateFailed
from export.gate.values import Verdict
from export.precision.candidates import PRECISIONS

AUTO = "auto"
ASKED = (AUTO, *PRECISIONS)


@dataclass(frozen=True)
class Choice:
    """Which candidate serves.

    Args:
        verdict: Its own.
        asked: What was asked for.
        fell_back: Why it is not what was asked for; ``None`` where it is.
    """

    verdict: Verdict
    asked: str
    fell_back: str | None = None


def choose(
    verdicts: Sequence[Verdict],
    asked: str = AUTO,
    *,
    allow_fallback: bool = False,
    tower: str,
    report: Path | None = None,
    failed: Mapping[str, str] | None = None,
) -> Choice:
    """Choose the fastest candidate that passed, of the asked precision or of all.

    Speed is the geometric mean of the latency ratios at batch 1, 8 and 32. FP32 is 1 by definition, so ``auto`` takes a
    lower precision only where it gains.

    Args:
        verdicts: On all candidates of one tower.
        asked: ``auto`` or a precision.
        allow_fallback: Where no candidate of the asked precision passed, take the next of int8, fp16, fp32.
        tower: For the error.
        report: Where all figures can be read, for the error.
        failed: Why, by name, where a recipe could not be carried out, for the error.

    Raises:
        GateFailed: None passed, or FP32 itself did not; names the figure of the one that came nearest, its bound, the
            worst inputs, the report.
        BadEvaluation: There is no verdict on what is asked for.
        ValueError: ``asked`` is not allowed.
    """
    if asked not in ASKED:
        raise ValueError(f"`asked` must be one of {', '.join(ASKED)}, got {asked!r}")
    if asked == AUTO:
        ranks = [list(verdicts)]
    else:
        allowed = PRECISIONS[PRECISIONS.index(asked) :] if allow_fallback else (asked,)
        ranks = [[one for one in verdicts if one.candidate.precision == precision] for precision in allowed]
    if not any(ranks):
        why = "".join(f"\n  {name}: {reason}" for name, reason in (failed or {}).items())
        raise BadEvaluation(f"{tower} tower: there is no {asked} candidate{why or ' among the recipes of this target'}")
    source = [one for one in verdicts if one.candidate.precision == "fp32" and not one.passed]
    if source:
        # What FP32 finds is what the others are held to.
        raise _failed(source, tower, report)
    for rank in ranks:
        passed = [one for one in rank if one.passed and math.isfinite(one.figures.speed)]
        if passed:
            taken = min(passed, key=lambda one: one.figures.speed)
            fell_back = None if rank is ranks[0] else f"{_why(ranks[0], asked)}; {taken.candidate.name} serves instead"
            return Choice(taken, asked, fell_back)
    raise _failed(next(rank for rank in reversed(ranks) if rank), tower, report)


def _nearest(verdicts: Sequence[Verdict]) -> Verdict:
    """The one with the fewest figures out of bounds; of those the fastest."""
    return min(verdicts, key=lambda one: (len(one.failures), one.figures.speed))


def _why(verdicts: Sequence[Verdict], asked: str) -> str:
    if not verdicts:
        return f"no {asked} graph was judged"
    nearest = _nearest(verdicts)
    return f"{nearest.candidate.name}: {'; '.join(map(str, nearest.failures)) or 'its latency was not measured'}"


def _failed(verdicts: Sequence[Verdict], tower: str, report: Path | None) -> GateFailed:
    nearest = _nearest(verdicts)
    name = f"{tower} tower, {nearest.candidate.name}"
    if not nearest.failures:
        return GateFailed(f"{name}: latency_ratio", math.nan, math.inf, [], report=report)
    first = nearest.failures[0]
    return GateFailed(
        f"{name}: {first.figure}", first.value, first.bound, first.worst, at_least=first.at_least, report=report
    )
