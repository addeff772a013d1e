"""Products and rows that are made in a moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalogue import Catalogue, Product
from catalogue.database import Database, Entry, Space, Vector
from catalogue.errors import CatalogueError

SPACE = Space("space-one", 3, 2, ("title", "color"))
OTHER_SPACE = Space("space-two", 2, 0, ("title",))


def row(number: float, space: Space = SPACE) -> NDArray[np.float16]:
    """A row that tells which one it is."""
    return np.arange(1, space.row_dim + 1, dtype=np.float16) + np.float16(number)


def vector(number: float, space: Space = SPACE) -> Vector:
    return Vector(space.space_id, row(number, space))


def product(product_id: str, **fields: Any) -> Product:
    return Product(product_id, **{"title": f"Product {product_id}", **fields})


def entry(product_id: str, number: float | None = None, **fields: Any) -> Entry:
    """An upsert, with a row where a number is given."""
    return Entry(product(product_id, **fields), vector=None if number is None else vector(number))


def put(database: Database, *entries: Entry) -> list[int]:
    """Upsert what must not be refused."""
    return numbers(database.upsert(entries))


def numbers(results: Sequence[int | CatalogueError]) -> list[int]:
    """Sequence numbers, where nothing is refused."""
    refused = [str(one) for one in results if not isinstance(one, int)]
    assert not refused, refused
    return [one for one in results if isinstance(one, int)]


def catalogue(*products: Product, location: str = "shop/catalogue.jsonl") -> Catalogue:
    """A file's products, one a row."""
    return Catalogue(location, products, tuple(range(1, len(products) + 1)))
