"""Holds the newest windows of live traffic to a baseline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from deploy.drift.baseline import Baseline
from deploy.drift.measuring import Measures, middle
from deploy.drift.values import Statistic


def judge(baseline: Baseline, live: Measures) -> tuple[Statistic, ...]:
    """Compare each statistic of which enough is known.

    Args:
        baseline: What is usual.
        live: Values of each statistic, newest first.
    """
    judged = (_judged(baseline, name, live[name]) for name in baseline.measures if name in live)
    return tuple(statistic for statistic in judged if statistic is not None)


def _judged(baseline: Baseline, name: str, values: NDArray[Any]) -> Statistic | None:
    size = _window_size(baseline.sizes(name), len(values))
    if size is None:
        return None
    newest, earlier = values[:size], values[size : 2 * size]
    statistic = Statistic(
        name,
        baseline.distance(name, newest),
        baseline.threshold(name, size),
        alarm=False,
        samples=size,
        before=middle(name, baseline.measures[name]),
        now=middle(name, newest),
        earlier=baseline.distance(name, earlier) if len(earlier) == size else None,
    )
    return replace(statistic, alarm=statistic.confirmed)


def _window_size(sizes: tuple[int, ...], values: int) -> int | None:
    """The largest size that there are two windows of; else the smallest that there is one of."""
    twice = [size for size in sizes if 2 * size <= values]
    if twice:
        return twice[-1]
    return sizes[0] if sizes and sizes[0] <= values else None
