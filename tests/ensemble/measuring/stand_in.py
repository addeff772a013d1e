"""A stand-in for Triton's metrics, which keeps what it is told."""

from __future__ import annotations

from typing import Any

ARGS = {"model_name": "retrieve", "model_version": "3"}


class Metric:
    def __init__(self, family: MetricFamily, labels: dict[str, str]) -> None:
        self.family, self.labels, self.value = family, labels, 0.0
        family.server.metrics.append(self)

    def increment(self, amount: float) -> None:
        assert self.family.kind == "COUNTER"
        assert amount >= 0
        self._told(self.value + amount)

    def set(self, value: float) -> None:
        assert self.family.kind == "GAUGE"
        self._told(value)

    def _told(self, value: float) -> None:
        if self.family.server.broken:
            raise RuntimeError("the server is gone")
        self.value = value


class MetricFamily:
    COUNTER, GAUGE = "COUNTER", "GAUGE"
    server: Server

    def __init__(self, *, name: str, description: str, kind: str) -> None:
        assert description
        self.name, self.kind = name, kind

    def Metric(self, *, labels: dict[str, str]) -> Metric:  # noqa: N802 -- Triton's name
        return Metric(self, labels)


class Server:
    """What a test hands in as ``pb_utils``, and reads."""

    def __init__(self) -> None:
        self.metrics: list[Metric] = []
        self.broken = False
        self.MetricFamily: Any = type("Bound", (MetricFamily,), {"server": self})

    def values(self, name: str, **labels: str) -> list[float]:
        """Of the metrics of a name that have these labels, among others."""
        return [
            metric.value
            for metric in self.metrics
            if metric.family.name == name and labels.items() <= metric.labels.items()
        ]
