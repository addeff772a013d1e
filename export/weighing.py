"""What a query of one tower is compared with where both towers share a space: both halves of each row, weighed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalogue import Product
from ensemble.image import ImagePreprocessor
from ensemble.product import product_text
from ensemble.settings import ProductSettings
from ensemble.text import TextPreprocessor
from ensemble.towers import Tower
from export.gate.trial import Trial
from export.pictures import PictureSource
from export.plans import TextPlan, VisionPlan
from export.reference import Floats
from export.towers_file import SpaceTable

BATCH = 32


@dataclass(frozen=True)
class Weighing:
    """Weighs the halves of rows as a release's queries do.

    Args:
        space: The weights.
        products: By id.
        pictures: Reads their pictures.
        text: The text tower to be.
        vision: The vision tower to be.
        settings: Which fields make a product's text.
        graphs: The FP32 graphs, by model.
        threads: Of a run.
    """

    space: SpaceTable
    products: Mapping[str, Product]
    pictures: PictureSource
    text: TextPlan
    vision: VisionPlan
    settings: ProductSettings
    graphs: Mapping[str, Path]
    threads: int

    def of(self, trial: Trial) -> Callable[[Floats], Floats]:
        """Makes of a tower's own vectors of a trial's products what its queries are compared with.

        The weighted score of a query is its inner product with ``a * own half + b * other half``; the other half is
        by FP32, so that one tower is judged at a time.
        """
        own, other = self.space.text_query if trial.kind == "text" else reversed(self.space.image_query)
        if not (self.space.shared and other) or not trial.right:
            return lambda vectors: vectors
        others = other * self._others(trial)
        return lambda vectors: own * vectors + others

    def _others(self, trial: Trial) -> Floats:
        """``(products, dim)`` by the tower that is not judged; 0 for a product without a picture."""
        products = [self.products[str(item.product)] for item in trial.corpus]
        parts = (products[start : start + BATCH] for start in range(0, len(products), BATCH))
        encode = self._pictures() if trial.kind == "text" else self._texts()
        return np.concatenate([encode(part) for part in parts])

    def _texts(self) -> Callable[[list[Product]], Floats]:
        preprocess = TextPreprocessor(self.text.tokenizer, self.text.settings)
        tower = Tower(self.graphs["text_tower"], threads=self.threads)

        def encode(products: list[Product]) -> Floats:
            tokens = preprocess([product_text(product.as_dict(), self.settings) for product in products])
            return tower.encode({"INPUT_IDS": tokens.input_ids, "LENGTHS": tokens.lengths})

        return encode

    def _pictures(self) -> Callable[[list[Product]], Floats]:
        decode = ImagePreprocessor(self.vision.settings)
        tower = Tower(self.graphs["vision_tower"], threads=self.threads)

        def encode(products: list[Product]) -> Floats:
            pixels = [decode([self.pictures.read(one.image)])[0] if one.image else decode.blank() for one in products]
            vectors = tower.encode({"PIXELS": np.stack(pixels)})
            shown: Floats = vectors * np.array([[bool(one.image)] for one in products])
            return shown

        return encode
