"""TEXT to INPUT_IDS and LENGTHS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

from ensemble.admission import Door
from ensemble.gently import leave_gently
from ensemble.observing import TextFeatures, observe, texts_are_kept
from ensemble.serving import Tensors
from ensemble.settings import TextSettings, read
from ensemble.text import TextPreprocessor


class TritonPythonModel:
    """Tokenises each request by itself; see ``ensemble.text``."""

    def initialize(self, args: dict[str, str]) -> None:
        """Open the tokenizer of this release."""
        folder = Path(args["model_repository"]) / args["model_version"]
        settings = read(folder / "settings.json", "text", TextSettings)
        self._preprocess = TextPreprocessor(folder / "tokenizer.json", settings)
        features = TextFeatures(self._preprocess.unknown, settings.max_tokens, texts_are_kept())
        self._observer = observe(args, features)
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
        tokens = self._preprocess(inputs["TEXT"].ravel().tolist())
        return {"INPUT_IDS": tokens.input_ids, "LENGTHS": tokens.lengths}
