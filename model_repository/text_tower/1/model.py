"""INPUT_IDS and LENGTHS to TEXT_VECTOR, by ONNX Runtime on the CPU."""

from __future__ import annotations

from typing import Any

import triton_python_backend_utils as pb_utils

from ensemble.gently import leave_gently
from ensemble.served_tower import ServedTower


class TritonPythonModel:
    """See ``ensemble.served_tower``."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the graph of this release."""
        self._tower = ServedTower(pb_utils, args)

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer the requests of a batch together."""
        return self._tower.execute(requests)

    def finalize(self) -> None:
        """Stop counting."""
        leave_gently()
        self._tower.close()
