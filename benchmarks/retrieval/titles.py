"""Makes product titles from a seed, as many as wanted, each another: the text that the benchmark's vectors are of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.retrieval.words import COLOURS, FIRST, KINDS, LAST, MATERIALS, SIZES, STYLES, USES

SEED = 7
# Shops sell far more of some kinds and brands than of others.
ZIPF = 0.7


@dataclass(frozen=True)
class Titled:
    """One product.

    Args:
        title: What it is called.
        category: Its path.
        brand: Its maker.
        price: In the shop's currency.
    """

    title: str
    category: str
    brand: str
    price: float


def products(count: int, seed: int = SEED) -> list[Titled]:
    """The first ``count`` products of a shop; no two have one title."""
    made: dict[str, Titled] = {}
    for product in _endless(np.random.default_rng(seed)):
        made.setdefault(product.title, product)
        if len(made) == count:
            break
    return list(made.values())


def queries(count: int, seed: int = SEED + 1) -> list[str]:
    """What shoppers would type: a few words of a product that the shop need not have."""
    rng = np.random.default_rng(seed)
    made: dict[str, None] = {}
    for product in _endless(rng):
        words = product.title.split()
        keep = rng.random(len(words)) < rng.uniform(0.4, 0.9)
        text = " ".join(word for word, kept in zip(words, keep, strict=True) if kept)
        if len(text.split()) >= 2:
            made[text.lower()] = None
        if len(made) == count:
            break
    return list(made)


def _endless(rng: np.random.Generator) -> Iterator[Titled]:
    categories = list(KINDS)
    brands = [first + last for first in FIRST for last in LAST]
    category_share, brand_share = _zipf(len(categories)), _zipf(len(brands))
    while True:
        category = categories[int(rng.choice(len(categories), p=category_share))]
        brand = brands[int(rng.choice(len(brands), p=brand_share))]
        yield Titled(_title(rng, brand, category), category, brand, round(float(rng.lognormal(3, 1)), 2))


def _title(rng: np.random.Generator, brand: str, category: str) -> str:
    kind = _one(rng, KINDS[category])
    front = [
        _one(rng, words) for words, share in ((STYLES, 0.5), (COLOURS, 0.6), (MATERIALS, 0.5)) if rng.random() < share
    ]
    back = [_one(rng, words) for words, share in ((USES, 0.4), (SIZES, 0.5)) if rng.random() < share]
    maker = [brand] if rng.random() < 0.7 else []
    model = [f"{brand[:2].upper()}-{rng.integers(100, 1000)}"] if rng.random() < 0.15 else []
    if rng.random() < 0.3:
        return " ".join([kind.capitalize(), *maker, *front, *back, *model])
    return " ".join([*maker, *front, kind, *back, *model])


def _one(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    return words[int(rng.integers(len(words)))]


def _zipf(count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    share = 1.0 / np.arange(1, count + 1) ** ZIPF
    normal: np.ndarray[tuple[int], np.dtype[np.float64]] = share / share.sum()
    return normal
