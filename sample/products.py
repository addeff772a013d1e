"""Draws the products of a shop from a seed; everything that a picture or a title needs is in ``Product``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

from sample.errors import SampleInputError
from sample.kinds import KINDS, Kind
from sample.paint import Pattern
from sample.palette import BACKDROPS, COLOURS, Rgb, partners, scaled
from sample.parts import Form
from sample.render import Finish, Skin, catalogue_picture, sprite
from sample.titles import Words, title

BRANDS = (
    "Alder & Finch",
    "Bellamo",
    "Corvane",
    "Dunmore",
    "Eastlight",
    "Fjellby",
    "Gatewell",
    "Harrow Lane",
    "Islet",
    "Juno & Co",
)
_MAX_PRODUCTS = 100_000


@dataclass(frozen=True)
class Product:
    """One product: its words, its shape and its surface.

    Attributes:
        number: 1-based place in the shop; the id is made of it.
        kind: what it is.
        words: the words of its title.
        form: proportions.
        finish: how the material takes light.
        period: distance of the pattern's marks, in parts of the picture's side.
        phase: shift of the pattern's marks, 0..1.
        tint: brightness of its colours against the palette's, about 1.
        backdrop: backdrop of its catalogue picture.
        price: EUR.
        available: whether it is in stock.
        brand: maker, not visible in the picture.
    """

    number: int
    kind: Kind
    words: Words
    form: Form
    finish: Finish
    period: float
    phase: float
    tint: float
    backdrop: Rgb
    price: float
    available: bool
    brand: str

    @property
    def id(self) -> str:
        """Catalogue id, such as ``P00001``."""
        return f"P{self.number:05d}"

    @cached_property
    def title(self) -> str:
        """English title: what is to be seen."""
        return title(self.words)

    def figure(self, side: int = 256) -> Image.Image:
        """Draw the product alone, (side, side) RGBA."""
        base, mark = (scaled(COLOURS[name], self.tint) for name in (self.words.colour, self.words.accent))
        pattern = Pattern(self.words.pattern, base, mark, self.period, self.phase)
        return sprite(self.kind.shape(self.form), Skin(pattern, mark, self.finish), side)

    def picture(self, side: int = 256) -> Image.Image:
        """Draw the catalogue picture, (side, side) RGB."""
        return catalogue_picture(self.figure(side), self.backdrop)

    def row(self) -> dict[str, Any]:
        """Return the catalogue row: the keys of ``catalogue.jsonl``."""
        words = self.words
        return {
            "id": self.id,
            "title": self.title,
            "category": list(self.kind.category),
            "price": self.price,
            "available": self.available,
            "image": f"images/{self.id}.jpg",
            "attributes": {
                "color": words.colour,
                "second_color": words.accent,
                "pattern": words.pattern,
                "material": words.material,
                "style": words.variant,
                "brand": self.brand,
            },
        }


def _draw(rng: np.random.Generator, number: int, kind: Kind) -> Product:
    colour = str(rng.choice(tuple(COLOURS)))
    accent = str(rng.choice(partners(colour)))
    patterned = bool(kind.patterns) and rng.random() < 0.6
    pattern = str(rng.choice(kind.patterns)) if patterned else "plain"
    material, finish = kind.materials[rng.integers(len(kind.materials))]
    variant = str(rng.choice(kind.variants))
    words = Words(kind.noun, variant, colour, accent, pattern, material, kind.accent)
    low, high = kind.prices
    return Product(
        number=number,
        kind=kind,
        words=words,
        form=Form(variant, tuple(float(u) for u in rng.random(8))),
        finish=finish,
        period=float(rng.uniform(0.07, 0.15)),
        phase=float(rng.random()),
        tint=float(rng.uniform(0.9, 1.06)),
        backdrop=BACKDROPS[rng.integers(len(BACKDROPS))],
        price=round(float(rng.uniform(low, high))) - 0.05,
        available=bool(rng.random() < 0.93),
        brand=BRANDS[rng.integers(len(BRANDS))],
    )


def shop(count: int, seed: int) -> Iterator[Product]:
    """Yield ``count`` products, the kinds in equal shares, no two with the same title.

    Raises:
        SampleInputError: ``count`` is outside 1 .. 100,000.
    """
    if not 1 <= count <= _MAX_PRODUCTS:
        raise SampleInputError(f"products: got {count}, allowed are 1 to {_MAX_PRODUCTS}")
    rng = np.random.default_rng(seed)
    seen: set[str] = set()
    number = 0
    while number < count:
        product = _draw(rng, number + 1, KINDS[number % len(KINDS)])
        if product.title not in seen:
            seen.add(product.title)
            number += 1
            yield product
