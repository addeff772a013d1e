"""A shop of forty products: four categories, five themes; baskets hold products of one theme."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ensemble.product_tower import unit
from training.product.events import Events
from training.product.recipe import Recipe
from training.product.shape import TowerShape
from training.product.vocabulary import Vocabulary

CATEGORIES = ("Kitchen/Mugs", "Kitchen/Teas", "Home/Lamps", "Home/Vases")
THEMES = ("rose", "fox", "star", "sea", "oak")
TEXT_DIM = 12
SMALL = TowerShape(dim=8, hidden=16, text=8, image=8, category=4, brand=4, price=4, grams=4, complement=16)


def products() -> list[dict[str, Any]]:
    """Two products of each theme in each category; every fourth without a price."""
    pairs = [(category, theme) for category in CATEGORIES for theme in THEMES for _ in range(2)]
    return [
        {
            "id": f"P{at:02}",
            "title": f"{theme} {category.rsplit('/', maxsplit=1)[-1]} {at}",
            "category": category,
            "price": None if at % 4 == 0 else 1.0 + at,
            "attributes": {"brand": "acme" if at % 2 else "żubr"},
        }
        for at, (category, theme) in enumerate(pairs)
    ]


def theme_of(place: int) -> int:
    """Number of a product's theme."""
    return place // 2 % len(THEMES)


def rows(seed: int = 0, dim: int = TEXT_DIM) -> NDArray[np.float32]:
    """Rows that tell of theme and category, and more of neither; (40, dim)."""
    random = np.random.default_rng(seed)
    themes, kinds = random.normal(size=(len(THEMES), dim)), random.normal(size=(len(CATEGORIES), dim))
    made = [0.5 * themes[theme_of(at)] + kinds[at // 10] + random.normal(size=dim) for at in range(40)]
    found: NDArray[np.float32] = unit(np.stack(made).astype(np.float32))
    return found


def table(baskets: int = 300, seed: int = 1) -> pa.Table:
    """Events of baskets of two to four products of one theme, an hour apart."""
    random = np.random.default_rng(seed)
    lines: list[tuple[str, str, int]] = []
    for number in range(baskets):
        theme = number % len(THEMES)
        among = [at for at in range(40) if theme_of(at) == theme]
        held = random.choice(among, int(random.integers(2, 5)), replace=False)
        lines += [(f"B{number}", f"P{at:02}", 3600 * number) for at in held]
    basket, product, time = zip(*lines, strict=True)
    return pa.table({"basket": basket, "product": product, "time": time})


def events() -> Events:
    """The same as ``Events``."""
    return Events.of(table())


def recipe(**changes: Any) -> Recipe:
    """A recipe that takes a moment."""
    small: dict[str, Any] = {
        "shape": SMALL,
        "vocabulary": Vocabulary(gram_buckets=50, max_grams=8),
        "epochs": 3,
        "steps": 12,
        "batch_size": 32,
        "negatives": 16,
        "warmup": 4,
        "learning_rate": 0.01,
        "temperature": 0.07,
        "min_count": 1,
        "validation": 0.2,
    }
    return Recipe(**small | changes)
