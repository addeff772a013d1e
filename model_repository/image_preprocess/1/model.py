"""IMAGE to PIXELS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

from ensemble.image import ImagePreprocessor
from ensemble.observing import PictureFeatures, observe
from ensemble.serving import Tensors, answer_each
from ensemble.settings import ImageSettings, read


class TritonPythonModel:
    """Decodes each request by itself; see ``ensemble.image``."""

    def initialize(self, args: dict[str, str]) -> None:
        """Read the settings of this release."""
        folder = Path(args["model_repository"]) / args["model_version"]
        self._preprocess = ImagePreprocessor(read(folder / "settings.json", "image", ImageSettings))
        self._observer = observe(args, PictureFeatures())

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request alone."""
        responses = answer_each(pb_utils, requests, self._answer)
        self._observer(requests, responses)
        return responses

    def finalize(self) -> None:
        """Write down what was noted last."""
        self._observer.stop()

    def _answer(self, inputs: Tensors) -> Tensors:
        return {"PIXELS": self._preprocess(inputs["IMAGE"].ravel().tolist())}
