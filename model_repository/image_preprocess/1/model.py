"""IMAGE to PIXELS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

from ensemble.admission import Door
from ensemble.gently import leave_gently
from ensemble.image import ImagePreprocessor
from ensemble.observing import PictureFeatures, observe
from ensemble.serving import Tensors
from ensemble.settings import ImageSettings, read


class TritonPythonModel:
    """Decodes each request by itself; see ``ensemble.image``."""

    def initialize(self, args: dict[str, str]) -> None:
        """Read the settings of this release."""
        folder = Path(args["model_repository"]) / args["model_version"]
        self._preprocess = ImagePreprocessor(read(folder / "settings.json", "image", ImageSettings))
        self._observer = observe(args, PictureFeatures())
        self._door = Door(pb_utils, args)

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request alone that may come in."""
        responses = self._door.answer_each(requests, self._answer)
        self._observer(requests, responses)
        return responses

    def finalize(self) -> None:
        """Write down what was noted last, and let no one in any more."""
        leave_gently()
        self._observer.stop()
        self._door.close()

    def _answer(self, inputs: Tensors) -> Tensors:
        pixels = {"PIXELS": self._preprocess(inputs["IMAGE"].ravel().tolist())}
        # Of the text beside the picture, handed on so that its tower runs only where the picture is one.
        return pixels | {name: inputs[name] for name in ("LENGTHS",) if name in inputs}
