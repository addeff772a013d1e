"""Calibration inputs: from products that the gate does not ask for, and from real queries set aside for calibration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

from catalogue import Product
from ensemble.image import ImagePreprocessor
from ensemble.product import product_text
from ensemble.settings import ImageSettings, ProductSettings
from ensemble.text import TextPreprocessor
from export.pictures import PictureSource
from export.plans import TextPlan
from export.precision.calibration import Calibration
from export.queries import Query

TEXTS = 256
PICTURES = 128
BATCH = 16

Thing = TypeVar("Thing")


def text_calibration(
    products: Sequence[Product], queries: Sequence[Query], plan: TextPlan, settings: ProductSettings
) -> Calibration:
    """Texts of products and queries, those of like length together.

    Raises:
        BadCalibration: There are none.
    """
    preprocess = TextPreprocessor(plan.tokenizer, plan.settings)
    texts = [product_text(product.as_dict(), settings) for product in _spread(products, TEXTS)]
    texts += _spread([query.text for query in queries if query.text is not None], TEXTS)
    tokens = (preprocess(part) for part in _batches(sorted(set(texts), key=len)))
    return Calibration([{"INPUT_IDS": one.input_ids, "LENGTHS": one.lengths} for one in tokens])


def vision_calibration(
    products: Sequence[Product], pictures: PictureSource, queries: Sequence[Query], settings: ImageSettings
) -> Calibration:
    """Pictures of products and photos of queries: photos have other ranges than pictures on white.

    Raises:
        BadCalibration: There are none.
        UnreadablePicture: A picture vanished since it was checked.
        InvalidInput: A photo cannot be decoded.
    """
    decode = ImagePreprocessor(settings)
    shown = [product.image for product in products if product.image]
    raws = [pictures.read(name) for name in _spread(shown, PICTURES)]
    raws += [photo.read_bytes() for photo in _spread([one.image for one in queries if one.image], PICTURES)]
    # Each batch holds some of both.
    mixed = [raws[at] for at in np.random.default_rng(0).permutation(len(raws))]
    return Calibration([{"PIXELS": decode(part)} for part in _batches(mixed)])


def _batches(things: Sequence[Thing]) -> Iterator[Sequence[Thing]]:
    for start in range(0, len(things), BATCH):
        yield things[start : start + BATCH]


def _spread(things: Sequence[Thing], count: int) -> list[Thing]:
    """At most ``count`` of them, evenly from all over."""
    count = min(count, len(things))
    return [things[at] for at in np.linspace(0, len(things) - 1, count).astype(int)]
