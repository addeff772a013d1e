"""Drift as Prometheus metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge

from deploy.drift.values import DriftReport


class DriftMetrics:
    """``tandem_drift_statistic``, ``tandem_drift_threshold`` and ``tandem_drift_alarm`` of the newest report.

    Args:
        registry: Where they are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        each = ("release", "name")
        self._statistic = Gauge(
            "tandem_drift_statistic", "Distance of the newest window from the baseline", each, registry=registry
        )
        self._threshold = Gauge(
            "tandem_drift_threshold", "What the distance is beyond by chance, hardly ever", each, registry=registry
        )
        self._alarm = Gauge(
            "tandem_drift_alarm", "1 while a statistic is beyond its threshold twice in a row", each[:1],
            registry=registry,
        )  # fmt: skip

    def show(self, report: DriftReport) -> None:
        """Show a report in place of the one before, of whatever release that was."""
        self.clear()
        for one in report.statistics:
            self._statistic.labels(report.release, one.name).set(one.value)
            self._threshold.labels(report.release, one.name).set(one.threshold)
        self._alarm.labels(report.release).set(report.alarm)

    def clear(self) -> None:
        """Show nothing."""
        for gauge in (self._statistic, self._threshold, self._alarm):
            gauge.clear()
