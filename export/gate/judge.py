"""Figures against bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from export.check import MAX_NORM_ERROR
from export.gate.preparation import MAX_ROUNDING
from export.gate.values import Bounds, Failure, Figures

# Vectors of distinct inputs whose mean is nearly of length 1 are all but one vector: they tell nothing apart.
MIN_SPREAD = 1e-3

LEAST = ("cosine_mean", "cosine_p01", "cosine_min", "recall_at_10", "recall_at_100")
MOST = ("batch_distance", "labelled_drop")

Named = Mapping[str, Sequence[str]]


def judge(figures: Figures, bounds: Bounds, worst: Named | None = None) -> tuple[Failure, ...]:
    """Every figure that is out of its bound; a figure that is not a number always is.

    Args:
        figures: What was measured.
        bounds: What is asked; beside them what is served must be what the twin makes, every vector must be of length
            1, and not all may be one.
        worst: By figure, the inputs that did worst.
    """
    named = worst or {}
    return tuple(
        Failure(figure, value, bound, tuple(named.get(figure, ())), at_least)
        for figure, value, bound, at_least in _asked(figures, bounds)
        # A comparison with NaN is false, so what is asked is that the figure is within, never that it is not out.
        if not (value >= bound if at_least else value <= bound)
    )


def _asked(figures: Figures, bounds: Bounds) -> Iterator[tuple[str, float, float, bool]]:
    yield "preparation", figures.preparation, MAX_ROUNDING, False
    yield "norm_error", figures.norm_error, MAX_NORM_ERROR, False
    yield "spread", figures.spread, MIN_SPREAD, True
    for name in (*LEAST, *MOST):
        value, bound = getattr(figures, name), getattr(bounds, name)
        # Without labels there is no labelled recall that could be lost.
        if bound is not None and value is not None:
            yield name, value, bound, name in LEAST
