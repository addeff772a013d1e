"""Real inputs of a catalogue, in batches that graph and source must agree on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from catalogue import Product
from ensemble.image import ImagePreprocessor
from ensemble.product import product_text
from ensemble.settings import ImageSettings, ProductSettings, TextSettings
from ensemble.text import TextPreprocessor
from export.pictures import PictureSource
from export.plans import TextPlan
from export.reference import Array

BATCHES = (1, 3, 8)
# Long texts cost much and show nothing that short ones in large batches do not.
LONG_BATCHES = (1, 3)
TEXTS = 64
PICTURES = 32
LABEL_CHARS = 60


@dataclass(frozen=True)
class Case:
    """One batch.

    Args:
        inputs: By tensor name.
        labels: What a reader knows each row as.
    """

    inputs: Mapping[str, Array]
    labels: tuple[str, ...]


def text_cases(products: Sequence[Product], plan: TextPlan, settings: ProductSettings) -> Iterator[Case]:
    """Batches for every bucket: products' texts as they are, beside one long enough to fill the bucket."""
    texts = [product_text(product.as_dict(), settings) for product in _spread(products, TEXTS)]
    long = _long(texts, plan.settings)
    start = 0
    for bucket in plan.settings.buckets:
        preprocess = TextPreprocessor(plan.tokenizer, replace(plan.settings, max_tokens=bucket, buckets=(bucket,)))
        for batch in BATCHES if bucket == plan.settings.buckets[0] else LONG_BATCHES:
            rows = [long, *(texts[(start + at) % len(texts)] for at in range(batch - 1))]
            start += batch - 1
            tokens = preprocess(rows)
            yield Case({"INPUT_IDS": tokens.input_ids, "LENGTHS": tokens.lengths}, tuple(map(_label, rows)))


def vision_cases(products: Sequence[Product], pictures: PictureSource, settings: ImageSettings) -> Iterator[Case]:
    """Batches of the catalogue's pictures; of a white one where it has none."""
    decode = ImagePreprocessor(settings)
    names = [product.image for product in _spread([one for one in products if one.image], PICTURES) if product.image]
    pixels = np.stack([decode([pictures.read(name)])[0] for name in names] or [decode.blank()])
    labels = names or ["a white picture"]
    for batch in BATCHES:
        yield Case({"PIXELS": pixels[:batch]}, tuple(labels[:batch]))
    for start in range(BATCHES[-1], len(labels), BATCHES[-1]):
        part = slice(start, start + BATCHES[-1])
        yield Case({"PIXELS": pixels[part]}, tuple(labels[part]))


def _long(texts: Sequence[str], settings: TextSettings) -> str:
    """All texts in a row, again and again, until there are tokens for the longest bucket (or no more is allowed)."""
    once = ". ".join(texts)
    wanted = min(8 * settings.max_tokens, settings.max_chars)
    return ". ".join([once] * (1 + wanted // len(once)))[: settings.max_chars]


def _spread(products: Sequence[Product], count: int) -> list[Product]:
    """At most ``count`` products, evenly from the whole catalogue."""
    chosen = np.linspace(0, len(products) - 1, min(count, len(products))).astype(int)
    return [products[at] for at in chosen]


def _label(text: str) -> str:
    return repr(text if len(text) <= LABEL_CHARS else text[:LABEL_CHARS] + "...")
