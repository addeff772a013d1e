"""PATCH to a durable change of a product."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

from ensemble.gently import import_gently, leave_gently

import_gently("catalogue.serving")

from catalogue.serving import open_patches
from ensemble.measuring.meter import Meter
from ensemble.measuring.writes import counted
from ensemble.serving import answer_batch


class TritonPythonModel:
    """Changes products and leaves their rows as they are; see ``catalogue.serving``."""

    def initialize(self, args: dict[str, str]) -> None:
        """Open the catalogue's database, which may be away for now."""
        folder = Path(args["model_repository"]) / args["model_version"]
        self._writer = open_patches(folder)
        self._meter = Meter(pb_utils, args)
        self._answer = counted(self._writer.answer, self._meter.board, "patch")

    def execute(self, requests: list[Any]) -> list[Any]:
        """Write all requests of a batch in one transaction; each is refused for its own reason."""
        return answer_batch(pb_utils, requests, self._answer)

    def finalize(self) -> None:
        """Close the database, and stop counting."""
        leave_gently()
        self._writer.close()
        self._meter.close()
