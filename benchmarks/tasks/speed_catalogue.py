"""A shop of any size, made from a seed: products in a tree of categories, with the vectors that a tower would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.words import COLOURS, FIRST, KINDS, LAST, MATERIALS, SIZES, STYLES
from ensemble.features.categories import ancestors

DIM = 128
SEED = 17
ZIPF = 0.7
AVAILABLE = 0.9
# How much of a vector's square comes from each part; what is left is the product's own. So two products of one leaf
# have a cosine of about 0.5, as have near neighbours among encoded titles reduced to 128 numbers.
SHARES = {"root": 0.12, "middle": 0.14, "leaf": 0.24, "style": 0.08, "colour": 0.1, "material": 0.1, "brand": 0.1}
# The variance of the n-th number falls with n to this power, which is near that of encoded titles.
DECAY = -0.7
COMPLEMENTS = 6
POPULAR = 0.4

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

LEAVES = tuple(f"{category}/{kind}" for category, kinds in KINDS.items() for kind in kinds)
BRANDS = tuple(first + last for first in FIRST for last in LAST)
WORDS: Mapping[str, Sequence[str]] = {
    "leaf": LEAVES,
    "style": STYLES,
    "colour": COLOURS,
    "material": MATERIALS,
    "brand": BRANDS,
    "size": SIZES,
}


@dataclass(frozen=True)
class Catalogue:
    """Products as they were drawn.

    Args:
        drawn: For each of ``WORDS`` ``(products,)``: which of its words.
        prices: ``(products,)``.
        available: ``(products,)``.
        counts: ``(products,)``: how often each was bought.
    """

    drawn: Mapping[str, Numbers]
    prices: NDArray[np.float64]
    available: NDArray[np.bool_]
    counts: Numbers

    @classmethod
    def draw(cls, count: int, seed: int = SEED) -> Catalogue:
        """Draw products: few leaves and brands have many, and few products are bought often.

        Raises:
            ValueError: There are fewer products than leaves.
        """
        if count < len(LEAVES):
            raise ValueError(f"`count` must be at least {len(LEAVES)}, one a leaf, got {count}")
        rng = np.random.default_rng(seed)
        drawn = {
            name: rng.choice(rng.permutation(len(words)), count, p=_zipf(len(words))) for name, words in WORDS.items()
        }
        drawn["leaf"][: len(LEAVES)] = np.arange(len(LEAVES))
        bought = rng.permutation(np.floor(POPULAR * count / np.arange(1, count + 1)).astype(np.int64))
        return cls(drawn, np.round(rng.lognormal(3, 1, count), 2), rng.random(count) < AVAILABLE, bought)

    def __len__(self) -> int:
        return len(self.prices)

    @cached_property
    def products(self) -> list[dict[str, Any]]:
        """Documents as an index has them."""
        chosen = zip(*(map(words.__getitem__, self.drawn[name].tolist()) for name, words in WORDS.items()), strict=True)
        return [
            _product(place, dict(zip(WORDS, words, strict=True)), price, available)
            for place, (words, price, available) in enumerate(
                zip(chosen, self.prices.tolist(), self.available.tolist(), strict=True)
            )
        ]

    @property
    def popularity(self) -> dict[str, int]:
        """How often each product was bought, those that were not left out."""
        return {product_id(place): int(self.counts[place]) for place in np.flatnonzero(self.counts)}

    def vectors(self, seed: int = SEED) -> Floats:
        """``(products, DIM)`` unit vectors: near each other in one leaf, with one maker, colour, material or style."""
        rng = np.random.default_rng(seed + 1)
        parts = _parts(rng)
        total = np.sqrt(1 - sum(SHARES.values())) * _directions(len(self), rng)
        for name, share in SHARES.items():
            word = self.drawn["leaf" if name in {"root", "middle"} else name]
            total += np.sqrt(share, dtype=np.float32) * parts[name][word]
        unit: Floats = total / np.linalg.norm(total, axis=1, keepdims=True)
        return unit


def product_id(place: int) -> str:
    """The id of a product by its place."""
    return f"P{place:06d}"


def _product(place: int, word: Mapping[str, str], price: float, available: bool) -> dict[str, Any]:
    kind = word["leaf"].rpartition("/")[2]
    return {
        "id": product_id(place),
        "title": f"{word['brand']} {word['style']} {word['colour']} {word['material']} {kind} {word['size']}",
        "category": word["leaf"],
        "price": price,
        "available": available,
        "image": f"images/{product_id(place)}.jpg",
        "attributes": {name: word[name] for name in ("brand", "colour", "material", "style", "size")},
    }


def complements(seed: int = SEED) -> dict[str, list[dict[str, Any]]]:
    """For each leaf what goes with it, as ``complements.json`` has it: leaves of other branches, and one branch."""
    rng = np.random.default_rng(seed + 2)
    return {leaf: _targets(leaf, rng) for leaf in LEAVES}


def leaf_directions(seed: int = SEED) -> Floats:
    """``(leaves, DIM)`` unit vectors: the middle of the products of each leaf."""
    parts = _parts(np.random.default_rng(seed + 1))
    names = ("root", "middle", "leaf")
    total = sum((np.sqrt(SHARES[name]) * parts[name] for name in names), np.zeros((len(LEAVES), DIM)))
    unit: Floats = (total / np.linalg.norm(total, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _targets(leaf: str, rng: np.random.Generator) -> list[dict[str, Any]]:
    others = [other for other in LEAVES if not other.startswith(f"{leaf.split('/', maxsplit=1)[0]}/")]
    chosen = [others[place] for place in rng.choice(len(others), COMPLEMENTS, replace=False)]
    chosen[-2] = ancestors(chosen[-2])[1]  # one of the first five is a branch, with all leaves below it
    lifts = np.sort(rng.uniform(1.5, 9, COMPLEMENTS))[::-1]
    return [
        {"category": category, "lift": round(float(lift), 3), "low": 1.2, "baskets": 40, "source": "learned"}
        for category, lift in zip(chosen, lifts, strict=True)
    ]


def _parts(rng: np.random.Generator) -> dict[str, Floats]:
    """Directions of the words; those of the upper levels stand once for each leaf."""
    depths = {"root": -1, "middle": 1}
    parts: dict[str, Floats] = {}
    for name in SHARES:
        if name in depths:
            above = [ancestors(leaf)[depths[name]] for leaf in LEAVES]
            _, place = np.unique(above, return_inverse=True)
            parts[name] = _directions(place.max() + 1, rng)[place]
        else:
            parts[name] = _directions(len(WORDS[name]), rng)
    return parts


def _directions(count: int, rng: np.random.Generator) -> Floats:
    """``(count, DIM)`` vectors by chance, of unit length."""
    spread = np.arange(1, DIM + 1, dtype=np.float32) ** np.float32(DECAY / 2)
    drawn = rng.standard_normal((count, DIM), np.float32) * spread
    unit: Floats = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


def _zipf(count: int) -> NDArray[np.float64]:
    share: NDArray[np.float64] = np.arange(1, count + 1) ** -ZIPF
    normal: NDArray[np.float64] = share / share.sum()
    return normal
