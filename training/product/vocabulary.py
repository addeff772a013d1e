"""What the features of a tower know: learned from the catalogue that it is trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ensemble.features import FeatureSettings, path_of
from ensemble.words import as_word
from training.errors import TrainingInputError


@dataclass(frozen=True)
class Vocabulary:
    """How much of a catalogue the features are to know.

    Attributes:
        levels: levels of the category path; deeper ones are read as their ancestor.
        min_category: products that a category needs for an embedding of its own.
        brand: attribute that holds the brand; empty to leave brands out.
        min_brand: products that a brand needs for an embedding of its own.
        price_buckets: buckets of about equal numbers of products.
        gram_buckets: rows for the pieces of titles; 0 to read titles through their text vectors alone.
        max_grams: pieces of a title that are read.
    """

    levels: int = 3
    min_category: int = 2
    brand: str = "brand"
    min_brand: int = 3
    price_buckets: int = 16
    gram_buckets: int = 0
    max_grams: int = 64

    def __post_init__(self) -> None:
        for name, least in (("levels", 1), ("min_category", 1), ("min_brand", 1), ("price_buckets", 1)):
            if getattr(self, name) < least:
                raise TrainingInputError(f"{name}: got {getattr(self, name)}, must be at least {least}")

    def settings(self, catalogue: Sequence[Mapping[str, Any]], text_dim: int, image_dim: int = 0) -> FeatureSettings:
        """Learn the settings from a catalogue.

        Args:
            catalogue: products as ``catalogue.Product.as_dict`` gives them.
            text_dim: length of the text half of a row.
            image_dim: length of the picture half; 0 to leave pictures out.
        """
        brands = _frequent((_brand(product, self.brand) for product in catalogue), self.min_brand)
        mean, std, edges = _prices(catalogue, self.price_buckets)
        paths = [path_of(product.get("category"))[: self.levels] for product in catalogue]
        nodes = ("/".join(path[:depth]) for path in paths for depth in range(1, len(path) + 1))
        return FeatureSettings(
            text_dim=text_dim,
            image_dim=image_dim,
            levels=max(1, *(len(path) for path in paths)) if paths else 1,
            categories=_frequent(nodes, self.min_category),
            brand_field=self.brand if brands else "",
            brands=brands,
            price_edges=edges,
            price_mean=mean,
            price_std=std,
            gram_buckets=self.gram_buckets,
            max_grams=self.max_grams,
        )


def _brand(product: Mapping[str, Any], name: str) -> str:
    value = (product.get("attributes") or {}).get(name) if name else None
    return "" if value is None else as_word(value).casefold()


def _frequent(values: Any, least: int) -> tuple[str, ...]:
    return tuple(sorted(value for value, count in Counter(values).items() if value and count >= least))


def _prices(catalogue: Sequence[Mapping[str, Any]], buckets: int) -> tuple[float, float, tuple[float, ...]]:
    """Mean and standard deviation of ``log(1 + price)``, and the inner edges of the buckets."""
    given = [product["price"] for product in catalogue if product.get("price") is not None]
    prices = np.array([price for price in given if np.isfinite(price) and price >= 0], np.float64)
    if not len(prices):
        return 0.0, 1.0, ()
    logs = np.log1p(prices)
    edges = np.unique(np.quantile(prices, np.arange(1, buckets) / buckets, method="lower"))
    return float(logs.mean()), float(logs.std()) or 1.0, tuple(edges.tolist())
