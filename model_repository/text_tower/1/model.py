"""INPUT_IDS and LENGTHS to TEXT_VECTOR, by ONNX Runtime on the CPU."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

from ensemble.cache import CachedTower
from ensemble.serving import CacheMetrics, Tensors, answer_together
from ensemble.towers import Tower


class TritonPythonModel:
    """Encodes all new rows of a batch in one run; see ``ensemble.towers`` and ``ensemble.cache``."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the graph of this release."""
        folder = Path(args["model_repository"]) / args["model_version"]
        capacity = int(json.loads(args["model_config"])["parameters"]["cache_rows"]["string_value"])
        self._tower = CachedTower(Tower(folder / "model.onnx"), capacity)
        self._metrics = CacheMetrics(pb_utils, args["model_name"], args["model_version"])

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer the requests of a batch together."""
        responses = answer_together(pb_utils, requests, self._answer)
        self._metrics.report(self._tower.lookups, self._tower.hits)
        return responses

    def _answer(self, inputs: Tensors) -> Tensors:
        return {"TEXT_VECTOR": self._tower.encode(inputs)}
