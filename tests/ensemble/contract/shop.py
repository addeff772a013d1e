"""A shop of products that differ, and its snapshot, from which every engine begins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ensemble.index import engines
from ensemble.index.ann import building
from ensemble.index.ann.tuned import Tuned
from tests.ensemble.journal_twin import Product, TwinCatalogue
from tests.ensemble.test_masks import CATEGORIES, COLOURS

Query = NDArray[np.float32]

FIRST = 80
RED = {"eq": ["color", "red"]}
DEAR = {"range": ["price", 7, 8]}
# The fewest that lists can be made of.
LEAST_LISTED = 64
EVERYWHERE = Tuned((1_000.0,) * 3, (10_000, 10_000))


@contextmanager
def making_lists() -> Iterator[None]:
    """Write snapshots as large ones are: for the CPU engine, whose lists are all looked into."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "ANN_FROM_ROWS", LEAST_LISTED)
        patch.setattr(building, "tune", lambda *_: EVERYWHERE)  # it takes seconds
        yield


def query(seed: int) -> Query:
    """Random numbers that float16 holds."""
    return row(seed).astype(np.float32)


def row(seed: int) -> NDArray[np.float16]:
    """A product's row of random numbers."""
    return np.random.default_rng(seed).normal(size=6).astype(np.float16)


def product(number: int, **more: Any) -> Product:
    """One of many that differ, each without some of its fields."""
    attributes = {
        "color": COLOURS[number % 5] if number % 4 else None,
        "size": number % 7 / 2 if number % 3 else None,
        "new": number % 2 == 0 if number % 5 else None,
        "mixed": ["XL", "0", "true"][number % 3] if number % 2 else None,
    }
    return {
        "id": f"S{number}",
        "title": f"café {number}",
        "category": CATEGORIES[number % 6],
        "price": None if number % 6 == 0 else number / 4,
        "available": number % 8 != 0,
        "attributes": {name: value for name, value in attributes.items() if value is not None},
    } | more


def shop(count: int = FIRST) -> TwinCatalogue:
    """So many products; each third has the row of the one before it, so that they tie."""
    catalogue = TwinCatalogue()
    for number in range(count):
        catalogue.upsert(product(number), row(number - (number % 3 == 2)))
    return catalogue
