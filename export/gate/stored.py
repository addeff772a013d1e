"""Verdicts as JSON: in the manifest, and on disk so that a release can be taken up where it was interrupted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from export.errors import BadEvaluation
from export.gate.values import BATCHES, Failure, Figures, Labelled, Verdict, Worst
from export.precision.candidates import Candidate

PLAIN = (
    "cosine_mean",
    "cosine_p01",
    "cosine_min",
    "recall_at_10",
    "recall_at_100",
    "batch_distance",
    "norm_error",
    "preparation",
    "spread",
)
COUNTS = ("k_at_10", "k_at_100", "inputs", "products", "bytes")


def as_dict(verdict: Verdict, *, cosines: bool = False) -> dict[str, Any]:
    """A verdict as JSON types; what is not a number becomes ``None``, since JSON knows no NaN.

    Args:
        verdict: To be stored.
        cosines: Also those of every input: needed to read it back whole, too long for a manifest.
    """
    figures = verdict.figures
    content: dict[str, Any] = {"precision": verdict.candidate.precision, "recipe": verdict.candidate.recipe}
    content |= {name: _number(getattr(figures, name)) for name in PLAIN}
    content |= {f"latency_ratio_b{batch}": _number(figures.latency_ratio.get(batch, math.nan)) for batch in BATCHES}
    content |= {f"latency_ms_b{batch}": _number(figures.latency_ms.get(batch, math.nan)) for batch in BATCHES}
    content |= {"throughput_ratio_b32": _number(figures.throughput_ratio_b32), "passed": verdict.passed}
    content |= {name: getattr(figures, name) for name in COUNTS}
    content["labelled"] = None if figures.labelled is None else _labelled(figures.labelled)
    content["failures"] = [_failure(one) for one in verdict.failures]
    content["worst"] = [{"input": one.label, "cosine": _number(one.cosine)} for one in verdict.worst]
    if cosines:
        content["cosines"] = [_number(value) for value in verdict.cosines]
    return content


def from_dict(content: Mapping[str, Any], graph: Path) -> Verdict:
    """A verdict read back.

    Args:
        content: What ``as_dict`` gave.
        graph: Where the candidate's graph is now.

    Raises:
        BadEvaluation: A value is missing or not of its kind.
    """
    try:
        failures = tuple(
            Failure(
                one["figure"], _float(one["value"]), _float(one["bound"]), tuple(one["worst"]), bool(one["at_least"])
            )
            for one in content["failures"]
        )
        if content["passed"] is not (not failures):
            raise ValueError("`passed` and `failures` do not agree")  # noqa: TRY301 - told like any other damage
        return Verdict(
            Candidate(content["precision"], content["recipe"], graph),
            _figures(content),
            failures,
            tuple(Worst(str(one["input"]), _float(one["cosine"])) for one in content["worst"]),
            tuple(map(_float, content.get("cosines", ()))),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadEvaluation(f"a stored verdict of the gate cannot be read: {error!r}; judge again") from error


def _figures(content: Mapping[str, Any]) -> Figures:
    labelled = content["labelled"]
    plain: dict[str, Any] = {name: _float(content[name]) for name in PLAIN}
    plain |= {name: int(content[name]) for name in COUNTS}
    return Figures(
        **plain,
        latency_ms=_by_batch(content, "latency_ms"),
        latency_ratio=_by_batch(content, "latency_ratio"),
        labelled=None if labelled is None else _labelled_back(labelled),
    )


def _by_batch(content: Mapping[str, Any], name: str) -> dict[int, float]:
    found = {batch: content[f"{name}_b{batch}"] for batch in BATCHES}
    return {batch: float(value) for batch, value in found.items() if value is not None}


def _labelled(labelled: Labelled) -> dict[str, Any]:
    sides = {"reference": labelled.reference, "candidate": labelled.candidate}
    return {
        "queries": labelled.queries,
        **{side: {f"recall_at_{k}": _number(value) for k, value in found.items()} for side, found in sides.items()},
    }


def _labelled_back(content: Mapping[str, Any]) -> Labelled:
    sides = (
        {int(name.removeprefix("recall_at_")): _float(value) for name, value in content[side].items()}
        for side in ("reference", "candidate")
    )
    return Labelled(int(content["queries"]), *sides)


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "figure": failure.figure,
        "value": _number(failure.value),
        "bound": _number(failure.bound),
        "at_least": failure.at_least,
        "worst": list(failure.worst),
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _float(value: Any) -> float:
    return math.nan if value is None else float(value)
