"""A tower as a Triton model: batched, remembering, counted. Both tower models of ``model_repository`` are this."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ensemble.cache import CachedTower
from ensemble.gently import beside_callers
from ensemble.measuring.board import Board, Series
from ensemble.measuring.families import BATCH, HITS, LOOKUPS
from ensemble.measuring.meter import Meter
from ensemble.serving import Tensors, answer_together
from ensemble.towers import Tower


class ServedTower:
    """Encodes all new rows of a batch in one run; see ``ensemble.towers`` and ``ensemble.cache``.

    Args:
        pb_utils: Triton's module.
        args: What Triton hands to ``initialize``.
    """

    def __init__(self, pb_utils: Any, args: Mapping[str, str]) -> None:
        folder = Path(args["model_repository"]) / args["model_version"]
        capacity = int(json.loads(args["model_config"])["parameters"]["cache_rows"]["string_value"])
        importlib.import_module("onnxruntime")  # it starts a thread, which is to have the priority of this one
        tower = beside_callers(lambda: Tower(folder / "model.onnx"))
        self._output = tower.output
        self._tower = CachedTower(tower, capacity)
        self._pb_utils = pb_utils
        self._counted: dict[Series, float] = {}
        self._meter = Meter(pb_utils, args, look=self._look, histograms=(BATCH,))

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer the requests of a batch together."""
        return answer_together(self._pb_utils, requests, self._answer)

    def _answer(self, inputs: Tensors) -> Tensors:
        vectors = self._tower.encode(inputs)
        self._meter.board.observe(BATCH, [len(vectors)])
        return {self._output: vectors}

    def close(self) -> None:
        """Stop counting."""
        self._meter.close()

    def _look(self, board: Board) -> None:
        """Count the rows that were asked for, and remembered, since the last time."""
        totals = {Series(LOOKUPS): float(self._tower.lookups), Series(HITS): float(self._tower.hits)}
        board.add({series: total - self._counted.get(series, 0.0) for series, total in totals.items()})
        self._counted = totals
