"""PRODUCT_ID to the TICKET of a request that needs no preprocessing."""

from __future__ import annotations

from typing import Any

import triton_python_backend_utils as pb_utils

from ensemble.admission import Door
from ensemble.gently import leave_gently
from ensemble.serving import Tensors


class TritonPythonModel:
    """Lets requests in, or refuses them; see ``ensemble.admission``."""

    def initialize(self, args: dict[str, str]) -> None:
        """Open what counts the requests that are under way."""
        self._door = Door(pb_utils, args)

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request alone that may come in."""
        return self._door.answer_each(requests, _nothing_more)

    def finalize(self) -> None:
        """Let no one in any more."""
        leave_gently()
        self._door.close()


def _nothing_more(inputs: Tensors) -> Tensors:
    """What is answered beside the ticket."""
    return {}
