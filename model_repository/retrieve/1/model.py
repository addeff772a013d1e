"""TEXT_VECTOR and/or IMAGE_VECTOR to products."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

from ensemble.pipeline import open_retrieval
from ensemble.retrieval import Answered, rectangle
from ensemble.serving import guarded, response, tensors_of


class TritonPythonModel:
    """Searches for all requests of a batch at once; see ``ensemble.retrieval``."""

    def initialize(self, args: dict[str, str]) -> None:
        """Map the index of this release into memory."""
        self._release = int(args["model_version"])
        self._retrieval = open_retrieval(Path(args["model_repository"]) / args["model_version"])

    def execute(self, requests: list[Any]) -> list[Any]:
        """Search once for all requests that can be served; refuse the others each for its own reason."""
        answers = self._retrieval.answer([tensors_of(request) for request in requests])
        return [
            guarded(pb_utils, lambda pair=pair: self._respond(*pair)) for pair in zip(requests, answers, strict=True)
        ]

    def _respond(self, request: Any, answer: Answered) -> Any:
        if isinstance(answer, Exception):
            raise answer
        slots = self._retrieval.slots
        tensors = rectangle(answer, slots, documents="PRODUCT" in request.requested_output_names())
        tensors["RELEASE"] = np.full((len(answer), 1), self._release, np.int64)
        tensors["SEQ"] = np.full((len(answer), 1), slots.seq, np.int64)
        return response(pb_utils, tensors)
