"""Figures and choices in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict

from export.gate.values import BATCHES, Bounds, Failure, Figures, Verdict
from export.report.values import Fact, Facts, TowerReport

ABSENT = "\N{EN DASH}"
NOT_A_NUMBER = "NaN"
FIGURES = {
    "cosine_mean": "mean cosine",
    "cosine_p01": "1st percentile of the cosines",
    "cosine_min": "worst cosine",
    "recall_at_10": "recall@10",
    "recall_at_100": "recall@100",
    "batch_distance": "distance that a vector moves in a batch",
    "labelled_drop": "loss of labelled recall",
    "norm_error": "difference of a vector's length to 1",
    "spread": "spread of the vectors",
}
AT_MOST = ("batch_distance", "labelled_drop")


def number(value: float | None, digits: int = 3) -> str:
    """A figure with so many digits after the point; a dash for what there is none of."""
    if value is None:
        return ABSENT
    return f"{value:.{digits}f}" if math.isfinite(value) else NOT_A_NUMBER if math.isnan(value) else "infinite"


def small(value: float) -> str:
    """A figure that may be tiny."""
    return f"{value:.1e}" if math.isfinite(value) and value else number(value, 0)


def choice(tower: TowerReport) -> str:
    """What was chosen and why, in a sentence."""
    passed = [verdict for verdict in tower.verdicts if verdict.passed]
    if tower.chosen is None:
        if passed:
            return f"None was chosen, though {_names(passed)} passed: the release was allowed none of them."
        return f"None was chosen: of {_candidates(len(tower.verdicts))}, none is within its bounds."
    (chosen,) = (verdict for verdict in tower.verdicts if verdict.candidate.name == tower.chosen)
    return f"{tower.chosen} was chosen: {_reason(chosen, passed, len(tower.verdicts))}."


def _reason(chosen: Verdict, passed: list[Verdict], count: int) -> str:
    pace = chosen.figures.speed
    measured = f"it takes {pace:.2f} of FP32's time" if math.isfinite(pace) else "its time was not measured"
    if chosen not in passed:
        return f"it serves although it did not pass; {measured}"
    if chosen.candidate.precision == "fp32" and chosen.candidate.recipe == "source":
        measured = "it is the graph that the others are measured against"
    faster = [one for one in passed if one.figures.speed < pace]
    if faster:
        passed_too = "passed too and is faster" if len(faster) == 1 else "passed too and are faster"
        return f"{measured}; {_names(faster)} {passed_too}, but the release was not allowed to take it"
    if len(passed) == 1:
        return f"{measured}, and is the only one of {_candidates(count)} that passed"
    return f"{measured}, and is the fastest of the {len(passed)} that passed, of {_candidates(count)}"


def failure(found: Failure) -> str:
    """A figure out of its bound."""
    asked = "at least" if found.at_least else "at most"
    value = f"{found.value:.6g}" if not math.isnan(found.value) else "not a number"
    return f"{FIGURES.get(found.figure, found.figure)} is {value}, {asked} {found.bound:.6g} is asked"


def bounds(asked: Bounds) -> list[tuple[str, str]]:
    """Name and bound of every figure that is bounded."""
    return [
        (FIGURES.get(name, name), f"{'≤' if name in AT_MOST else '≥'} {value:.6g}")
        for name, value in asdict(asked).items()
        if value is not None
    ]


def latency(figures: Figures) -> list[tuple[str, str]]:
    """Ratio to FP32, and milliseconds where they were measured, by batch."""
    milliseconds = [figures.latency_ms.get(batch) for batch in BATCHES]
    return [
        (number(figures.latency_ratio.get(batch), 2), "" if ms is None else f"{number(ms, 2)} ms")
        for batch, ms in zip(BATCHES, milliseconds, strict=True)
    ]


def labelled(figures: Figures, k: int) -> tuple[str, str]:
    """Labelled recall of the candidate, and that of FP32; dashes without labels."""
    found = figures.labelled
    return (ABSENT, "") if found is None else (number(found.candidate.get(k)), number(found.reference.get(k)))


def facts(given: Facts) -> list[tuple[str, str]]:
    """Names and values as they are shown."""
    return [(name.replace("_", " "), _fact(value)) for name, value in given.items()]


def _fact(value: Fact | Mapping[str, Fact]) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{_fact(part)} {name}" for name, part in value.items()) or ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else value


def _names(verdicts: list[Verdict]) -> str:
    return ", ".join(verdict.candidate.name for verdict in verdicts)


def _candidates(count: int) -> str:
    return f"{count} candidate" if count == 1 else f"{count} candidates"
