"""PRODUCT_ID to a durable deletion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

from catalogue.serving import open_deletions
from ensemble.serving import answer_batch


class TritonPythonModel:
    """Deletes products; see ``catalogue.serving``."""

    def initialize(self, args: dict[str, str]) -> None:
        """Open the catalogue's database, which may be away for now."""
        self._writer = open_deletions(Path(args["model_repository"]) / args["model_version"])

    def execute(self, requests: list[Any]) -> list[Any]:
        """Write all requests of a batch in one transaction; each is refused for its own reason."""
        return answer_batch(pb_utils, requests, self._writer.answer)

    def finalize(self) -> None:
        """Close the database."""
        self._writer.close()
