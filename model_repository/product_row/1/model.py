"""TEXT_VECTOR, IMAGE_VECTOR and HAS_IMAGE to the ROW that the index holds."""

from __future__ import annotations

from typing import Any

import triton_python_backend_utils as pb_utils

from ensemble.admission import Exit
from ensemble.gently import leave_gently
from ensemble.product import product_rows
from ensemble.serving import Tensors, answer_each


class TritonPythonModel:
    """Puts the halves of a row side by side; see ``ensemble.product``."""

    def initialize(self, args: dict[str, str]) -> None:
        """Open what counts the requests that are under way."""
        self._exit = Exit()

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request alone."""
        responses = answer_each(pb_utils, requests, self._answer)
        self._exit.leave(requests)
        return responses

    def finalize(self) -> None:
        """Leave."""
        leave_gently()

    def _answer(self, inputs: Tensors) -> Tensors:
        return {"ROW": product_rows(inputs["TEXT_VECTOR"], inputs["IMAGE_VECTOR"], inputs["HAS_IMAGE"])}
