"""PRODUCT and IMAGE to what both towers take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

from ensemble.admission import Door
from ensemble.gently import leave_gently
from ensemble.image import ImagePreprocessor
from ensemble.product import ProductPreprocessor, parse_products
from ensemble.serving import Tensors
from ensemble.settings import ImageSettings, ProductSettings, TextSettings, read
from ensemble.text import TextPreprocessor


class TritonPythonModel:
    """Prepares products for indexing; see ``ensemble.product``."""

    def initialize(self, args: dict[str, str]) -> None:
        """Open the tokenizer and read the settings of this release."""
        folder = Path(args["model_repository"]) / args["model_version"]
        settings = folder / "settings.json"
        self._preprocess = ProductPreprocessor(
            text=TextPreprocessor(folder / "tokenizer.json", read(settings, "text", TextSettings)),
            image=ImagePreprocessor(read(settings, "image", ImageSettings)),
            settings=read(settings, "product", ProductSettings),
        )
        self._door = Door(pb_utils, args)

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request alone that may come in."""
        return self._door.answer_each(requests, self._answer)

    def finalize(self) -> None:
        """Let no one in any more."""
        leave_gently()
        self._door.close()

    def _answer(self, inputs: Tensors) -> Tensors:
        products = parse_products(inputs["PRODUCT"].ravel().tolist())
        prepared = self._preprocess(products, inputs["IMAGE"].ravel().tolist())
        return {
            "INPUT_IDS": prepared.tokens.input_ids,
            "LENGTHS": prepared.tokens.lengths,
            "PIXELS": prepared.pixels,
            "HAS_IMAGE": prepared.has_image,
        }
