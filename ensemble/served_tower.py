"""A tower as a Triton model: batched, remembering, counted. Both tower models of ``model_repository`` are this."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ensemble.cache import CachedTower
from ensemble.serving import Tensors, answer_together
from ensemble.towers import Tower

CACHE_COUNTERS = (
    ("tandem_tower_cache_lookups", "Rows that a tower was asked for"),
    ("tandem_tower_cache_hits", "Rows that a tower remembered"),
)
# Each report is a message to the server and back, which a request should not wait for.
REPORT_S = 1.0


class ServedTower:
    """Encodes all new rows of a batch in one run; see ``ensemble.towers`` and ``ensemble.cache``.

    Args:
        pb_utils: Triton's module.
        args: What Triton hands to ``initialize``.
    """

    def __init__(self, pb_utils: Any, args: Mapping[str, str]) -> None:
        folder = Path(args["model_repository"]) / args["model_version"]
        capacity = int(json.loads(args["model_config"])["parameters"]["cache_rows"]["string_value"])
        tower = Tower(folder / "model.onnx")
        self._output = tower.output
        self._tower = CachedTower(tower, capacity)
        self._pb_utils = pb_utils
        self._metrics = CacheMetrics(pb_utils, args["model_name"], args["model_version"])

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer the requests of a batch together."""
        responses = answer_together(self._pb_utils, requests, self._answer)
        self._metrics.report(self._tower.lookups, self._tower.hits)
        return responses

    def _answer(self, inputs: Tensors) -> Tensors:
        return {self._output: self._tower.encode(inputs)}


class CacheMetrics:
    """Counts what a tower's cache did, for Prometheus.

    Args:
        pb_utils: Triton's module.
        model: The tower.
        version: Its release.
    """

    def __init__(self, pb_utils: Any, model: str, version: str) -> None:
        kind = pb_utils.MetricFamily.COUNTER
        # A metric works only as long as its family is alive.
        self._families = [
            pb_utils.MetricFamily(name=name, description=text, kind=kind) for name, text in CACHE_COUNTERS
        ]
        labels = {"model": model, "version": version}
        self._counters = [family.Metric(labels=labels) for family in self._families]
        self._reported = [0, 0]
        self._due = 0.0

    def report(self, lookups: int, hits: int) -> None:
        """Raise the counters to the totals given, unless they were raised a moment ago."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + REPORT_S
        for place, (counter, total) in enumerate(zip(self._counters, (lookups, hits), strict=True)):
            counter.increment(total - self._reported[place])
            self._reported[place] = total
