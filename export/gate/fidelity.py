"""How near a candidate's vectors are to the reference's, and whether either tells inputs apart at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from export.check import MAX_NORM_ERROR, norm_error
from export.errors import BadEvaluation
from export.gate.judge import MIN_SPREAD
from export.gate.values import Worst
from export.reference import Floats

Values = NDArray[np.float64]

WORST_SHOWN = 5


def cosines(ours: Floats, theirs: Floats) -> Values:
    """``(inputs,)`` cosines between rows of two ``(inputs, dim)`` matrices; NaN where a row is zero or not finite."""
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    with np.errstate(all="ignore"):  # zero or infinity over itself is NaN, as it should be
        found: Values = (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return np.where(np.isfinite(found), np.clip(found, -1, 1), np.nan)


def first_percentile(values: Values) -> float:
    """1st percentile, never between two values: the worst of fewer than 100. NaN where one is."""
    return float(np.percentile(values, 1, method="lower")) if np.isfinite(values).all() else float("nan")


def spread(vectors: Floats) -> float:
    """1 less the length of the mean unit vector: 0 where all are one, near 1 where they point everywhere."""
    if not np.isfinite(vectors).all():
        return float("nan")
    return float(1 - np.linalg.norm(vectors.astype(np.float64).mean(axis=0)))


def worst_of(values: Values, labels: Sequence[str]) -> tuple[Worst, ...]:
    """The inputs of the lowest cosines, lowest first; those that are not numbers come before all."""
    order = np.argsort(np.where(np.isnan(values), -np.inf, values), kind="stable")[:WORST_SHOWN]
    return tuple(Worst(labels[at], float(values[at])) for at in order)


def require_sound(vectors: Floats, labels: Sequence[str], *, of: str) -> None:
    """Refuse FP32 vectors that nothing can be judged by.

    Args:
        vectors: ``(inputs, dim)`` of distinct inputs.
        labels: What a reader knows each as.
        of: Whose they are, for the error.

    Raises:
        BadEvaluation: One is not finite or not of length 1, or all are nearly one.
    """
    errors = norm_error(vectors)
    bad = np.flatnonzero(~(errors <= MAX_NORM_ERROR))
    if len(bad):
        named = "; ".join(f"{labels[at]} ({errors[at]:.3g} from length 1)" for at in bad[:WORST_SHOWN])
        raise BadEvaluation(f"{of}: {len(bad)} vector(s) are not finite or not of length 1: {named}")
    if not spread(vectors) >= MIN_SPREAD:
        raise BadEvaluation(
            f"{of}: the vectors of {len(vectors)} distinct inputs are all but equal (spread {spread(vectors):.2g}, at "
            f"least {MIN_SPREAD:g} is needed): no recall and no cosine means anything"
        )
