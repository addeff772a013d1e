"""Recall over the sample shop, through the release that serves: photos, paraphrased titles, short queries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from catalogue import read_all
from ensemble.pipeline import Hit, Pipeline
from sample.products import Product, shop
from sample.titles import paraphrase, short_query
from training.photos import Photo, listed

CUTOFFS = (1, 5)
SHOWN = 10
_BATCH = 32


@dataclass(frozen=True)
class SampleShop:
    """A folder that ``python -m sample make`` wrote, and the same products with all their words.

    Attributes:
        folder: where the catalogue lies.
        products: in the catalogue's order.
        photos: held-out photos.
    """

    folder: Path
    products: list[Product]
    photos: list[Photo]

    @classmethod
    def open(cls, folder: Path, seed: int) -> SampleShop:
        """Open a shop and draw its products again.

        Raises:
            ValueError: the catalogue was made with another seed.
        """
        rows = read_all(str(folder / "catalogue.jsonl")).products
        products = list(shop(len(rows), seed))
        if [row.title for row in rows] != [product.title for product in products]:
            raise ValueError(f"{folder}: not made with seed {seed}; name its seed with --seed")
        return cls(folder, products, listed(folder / "photos.csv", "held_out"))


def batched(items: Sequence[Any], search: Callable[[Sequence[Any]], list[list[Hit]]]) -> Iterator[list[Hit]]:
    """Search for items in batches; yields the hits of each."""
    for at in range(0, len(items), _BATCH):
        yield from search(items[at : at + _BATCH])


def recall(answers: Sequence[list[Hit]], wanted: Sequence[str]) -> dict[str, float]:
    """Share of answers whose first k hits hold the wanted id, as ``recall@k``."""
    ids = [[hit.id for hit in hits] for hits in answers]
    pairs = list(zip(ids, wanted, strict=True))
    return {f"recall@{k}": round(float(np.mean([one in found[:k] for found, one in pairs])), 4) for k in CUTOFFS}


def photo_recall(pipeline: Pipeline, photos: Sequence[Photo]) -> dict[str, float]:
    """Recall of photos, each against the product that it shows."""
    pictures = [photo.path.read_bytes() for photo in photos]
    answers = list(batched(pictures, lambda some: pipeline.search(images=some, k=max(CUTOFFS))))
    return recall(answers, [photo.product for photo in photos]) | {"queries": len(photos)}


def paraphrase_recall(pipeline: Pipeline, products: Sequence[Product], seed: int = 11) -> dict[str, float]:
    """Recall of products asked for in other words than their title."""
    rng = np.random.default_rng(seed)
    texts = [paraphrase(product.words, rng) for product in products]
    answers = list(batched(texts, lambda some: pipeline.search(texts=some, k=max(CUTOFFS))))
    return recall(answers, [product.id for product in products]) | {"queries": len(texts)}


def short_query_precision(pipeline: Pipeline, products: Sequence[Product]) -> dict[str, float]:
    """Of the first 10 products for "red mug": how many are mugs, are red, and are both, where the shop has so many.

    Queries are the colour and name of every product, each once; ``right@10`` divides by 10 or by the number of such
    products, whichever is less.
    """
    groups: dict[str, set[str]] = {}
    words = {}
    for product in products:
        groups.setdefault(short_query(product.words), set()).add(product.id)
        words[short_query(product.words)] = product.words
    facts = {product.id: product.words for product in products}
    texts = sorted(groups)
    rows: list[tuple[float, float, float]] = []
    for text, hits in zip(texts, batched(texts, lambda some: pipeline.search(texts=some, k=SHOWN)), strict=True):
        found = [facts[hit.id] for hit in hits]
        name = sum(one.name == words[text].name for one in found) / SHOWN
        colour = sum(words[text].colour in {one.colour, one.accent} for one in found) / SHOWN
        right = len(groups[text] & {hit.id for hit in hits}) / min(SHOWN, len(groups[text]))
        rows.append((name, colour, right))
    name, colour, right = np.mean(rows, axis=0).round(4).tolist()
    return {"name@10": name, "colour@10": colour, "right@10": right, "queries": len(texts)}


def sample_figures(pipeline: Pipeline, shop_opened: SampleShop) -> dict[str, dict[str, float]]:
    """All figures of the sample."""
    return {
        "photo": photo_recall(pipeline, shop_opened.photos),
        "paraphrase": paraphrase_recall(pipeline, shop_opened.products),
        "short_query": short_query_precision(pipeline, shop_opened.products),
    }
