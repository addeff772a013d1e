"""Triton's metrics: what they are told, and how they end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ensemble.measuring.board import Series
from ensemble.measuring.families import Family


class Told:
    """The metrics of one process in the server.

    Every process has labels of its own, ``process`` among them. Triton counts references to a metric in each process by
    itself: of two that have the same labels, the first that ends takes the metric from under the other.

    A process that is killed leaves its metrics behind until the server ends. ``REPORTED`` tells who is still there.

    Args:
        pb_utils: Triton's module.
        labels: Of all that this process tells.
    """

    def __init__(self, pb_utils: Any, labels: Mapping[str, str]) -> None:
        self._kinds = pb_utils.MetricFamily
        self._labels = dict(labels)
        self._families: dict[str, Any] = {}
        self._metrics: dict[Series, Any] = {}

    def know(self, counters: Iterable[Series]) -> None:
        """Show counters at zero, so that their first rise is seen as one."""
        for series in counters:
            self._metric(series)

    def increment(self, series: Series, amount: float) -> None:
        """Raise a counter."""
        self._metric(series).increment(amount)

    def set(self, family: Family, value: float) -> None:
        """Have a gauge show a value."""
        self._metric(Series(family)).set(value)

    def close(self) -> None:
        """Remove the metrics from the server: a family holds its metrics, so both must go."""
        self._metrics.clear()
        self._families.clear()

    def _metric(self, series: Series) -> Any:
        metric = self._metrics.get(series)
        if metric is None:
            labels = {**self._labels, **dict(series.labels)}
            metric = self._metrics[series] = self._family(series.family).Metric(labels=labels)
        return metric

    def _family(self, family: Family) -> Any:
        known = self._families.get(family.name)
        if known is None:
            kind = self._kinds.GAUGE if family.kind == "gauge" else self._kinds.COUNTER
            known = self._families[family.name] = self._kinds(name=family.name, description=family.text, kind=kind)
        return known
