"""INPUT_IDS and LENGTHS to TEXT_VECTOR, by ONNX Runtime on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

from ensemble.serving import Tensors, answer_together
from ensemble.towers import Tower


class TritonPythonModel:
    """Encodes all requests of a batch in one run; see ``ensemble.towers``."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the graph of this release."""
        folder = Path(args["model_repository"]) / args["model_version"]
        self._tower = Tower(folder / "model.onnx")

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer the requests of a batch together."""
        return answer_together(pb_utils, requests, self._answer)

    def _answer(self, inputs: Tensors) -> Tensors:
        return {"TEXT_VECTOR": self._tower.encode(inputs)}
