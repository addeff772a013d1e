"""The slow twin of ``ensemble.features``: one product at a time, by plain arithmetic; settings are all that it shares.

How a value reads as a word is shared too: that is the catalogue's, not the tower's.
"""

from __future__ import annotations

import binascii
import math
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.features import FeatureSettings
from ensemble.words import as_word

Document = Mapping[str, Any]

# Standard deviations that a price is cut at, levels of a category and characters of a word.
MOST_STD = 6
MOST_LEVELS = 16
MOST_CHARACTERS = 64


def features_by_hand(products: Sequence[Document], settings: FeatureSettings) -> dict[str, NDArray[Any]]:
    """The same tensors as ``features_of``."""
    return {
        "CATEGORY": np.array([_levels(one, settings) for one in products], np.int64),
        "BRAND": np.array([[_brand(one, settings)] for one in products], np.int64),
        "PRICE": np.array([_price(one, settings) for one in products], np.float32),
        "PRICE_BUCKET": np.array([[_bucket(one, settings)] for one in products], np.int64),
        "GRAMS": np.array([_grams(one, settings) for one in products], np.int64),
    }


def _levels(product: Document, settings: FeatureSettings) -> list[int]:
    """Deeper levels that are not known are what is above them."""
    names = [name.strip() for name in (product.get("category") or "").split("/")]
    path = [name for name in names if name][:MOST_LEVELS]
    ids, last = [], 0
    for depth in range(settings.levels):
        whole = "/".join(path[: depth + 1])
        if depth < len(path) and whole in settings.categories:
            last = settings.categories.index(whole) + 1
        ids.append(last)
    return ids


def _brand(product: Document, settings: FeatureSettings) -> int:
    value = (product.get("attributes") or {}).get(settings.brand_field)
    known = [name.casefold() for name in settings.brands]
    text = "" if value is None else as_word(value).casefold()
    return known.index(text) + 1 if text in known else 0


def _known_price(product: Document) -> float | None:
    price = product.get("price")
    return price if price is not None and math.isfinite(price) and price >= 0 else None


def _price(product: Document, settings: FeatureSettings) -> list[float]:
    price = _known_price(product)
    if price is None:
        return [0, 0]
    apart = (math.log(1 + price) - settings.price_mean) / settings.price_std
    return [min(max(apart, -MOST_STD), MOST_STD), 1]


def _bucket(product: Document, settings: FeatureSettings) -> int:
    price = _known_price(product)
    return 0 if price is None else bisect_right(settings.price_edges, price) + 1


def _grams(product: Document, settings: FeatureSettings) -> list[int]:
    """Words first, then the runs of characters within each, until there are enough."""
    if not settings.gram_buckets:
        return [0]
    title = unicodedata.normalize("NFKC", product.get("title") or "").casefold()
    words = [word[:MOST_CHARACTERS] for word in re.findall(r"\w+", title)]
    pieces = list(words)
    for word in words:
        marked = "<" + word + ">"
        for size in settings.gram_sizes:
            pieces += [marked[at : at + size] for at in range(len(marked)) if at + size <= len(marked)]
    kept = pieces[: settings.max_grams]
    ids = [1 + binascii.crc32(piece.encode("utf-8", "surrogatepass")) % settings.gram_buckets for piece in kept]
    return ids + [0] * (settings.max_grams - len(ids))
