"""Products to the tensors of a product tower."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.features.grams import gram_ids
from ensemble.features.settings import FeatureSettings
from ensemble.words import as_word

ROW, CATEGORY, BRAND = "ROW", "CATEGORY", "BRAND"
PRICE, PRICE_BUCKET, GRAMS = "PRICE", "PRICE_BUCKET", "GRAMS"
# In the order in which the graph of a tower takes them.
INPUTS = (ROW, CATEGORY, BRAND, PRICE, PRICE_BUCKET, GRAMS)
# Standardised prices beyond this say no more than that they are extreme.
_MOST_STD = 6.0


def features_of(products: Sequence[Mapping[str, Any]], settings: FeatureSettings) -> dict[str, NDArray[Any]]:
    """The tensors of a product tower but for ``ROW``, one row a product.

    Args:
        products: As ``catalogue.Product.as_dict`` gives them; a field that is absent is one that is missing.
        settings: Those of the tower.

    Returns:
        ``CATEGORY`` int64 ``(n, levels)``; ``BRAND`` int64 ``(n, 1)``, 0 where it is not known; ``PRICE`` float32
        ``(n, 2)``: the standardised ``log(1 + price)`` and 1, or 0 and 0 where the price is missing; ``PRICE_BUCKET``
        int64 ``(n, 1)``, 0 where it is missing; ``GRAMS`` int64 ``(n, gram_width)``, padded by 0.
    """
    prices = np.array([_price(product) for product in products], np.float64)
    return {
        CATEGORY: settings.category_table.of([product.get("category") for product in products]),
        BRAND: np.array([[_brand(product, settings)] for product in products], np.int64).reshape(-1, 1),
        PRICE: _standardised(prices, settings),
        PRICE_BUCKET: _bucketed(prices, settings),
        GRAMS: _grams(products, settings),
    }


def _price(product: Mapping[str, Any]) -> float:
    """The price; NaN where it is missing or no price: a product is not refused for what only nudges its vector."""
    value = product.get("price")
    if value is None or not math.isfinite(value) or value < 0:
        return math.nan
    return float(value)


def _brand(product: Mapping[str, Any], settings: FeatureSettings) -> int:
    value = (product.get("attributes") or {}).get(settings.brand_field)
    return 0 if value is None else settings.brand_ids.get(as_word(value).casefold(), 0)


def _standardised(prices: NDArray[np.float64], settings: FeatureSettings) -> NDArray[np.float32]:
    present = ~np.isnan(prices)
    scaled = (np.log1p(np.where(present, prices, 0.0)) - settings.price_mean) / settings.price_std
    shown = np.where(present, np.clip(scaled, -_MOST_STD, _MOST_STD), 0.0)
    joined: NDArray[np.float32] = np.stack([shown, present], axis=1).astype(np.float32)
    return joined


def _bucketed(prices: NDArray[np.float64], settings: FeatureSettings) -> NDArray[np.int64]:
    buckets = np.searchsorted(np.array(settings.price_edges, np.float64), prices, side="right") + 1
    return np.where(np.isnan(prices), 0, buckets).astype(np.int64)[:, None]


def _grams(products: Sequence[Mapping[str, Any]], settings: FeatureSettings) -> NDArray[np.int64]:
    found = np.zeros((len(products), settings.gram_width), np.int64)
    if settings.gram_buckets:
        for row, product in enumerate(products):
            title = as_word(product.get("title") or "")
            ids = gram_ids(title, settings.gram_buckets, settings.gram_sizes, settings.max_grams)
            found[row, : len(ids)] = ids
    return found
