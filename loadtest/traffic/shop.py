"""The shop's products as a catalogue file tells them: what titles, filters and writes are made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtest.errors import BadTraffic

MOST = 200_000
"""No more products are read: enough to draw queries from, and a file of any size is begun in a moment."""


@dataclass(frozen=True)
class Product:
    """One product.

    Args:
        id: Its id in the catalogue.
        title: Its name.
        category: A path, as in ``Kitchen/Mugs``.
        price: None where there is none.
        available: Whether it can be bought; None where nothing is said.
        attributes: Whatever else the file tells.
        image: Path of its picture, relative to the file's folder.
    """

    id: str
    title: str
    category: str = ""
    price: float | None = None
    available: bool | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)
    image: str | None = None

    def to_dict(self) -> dict[str, object]:
        """As a write takes it."""
        told: dict[str, object] = {"id": self.id, "title": self.title, "category": self.category, "price": self.price}
        told |= {} if self.available is None else {"available": self.available}
        return told | {"image": self.image, "attributes": dict(self.attributes)}


def read_catalogue(path: Path) -> tuple[Product, ...]:
    """The first ``MOST`` products of a ``.jsonl`` catalogue; empty lines are left out.

    Raises:
        BadTraffic: The file cannot be read, has no products, or a line is none.
    """
    products = []
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    products.append(_product(line, f"{str(path)!r}, line {number}"))
                if len(products) == MOST:
                    break
    except (OSError, UnicodeDecodeError) as error:
        raise BadTraffic(f"catalogue: cannot read {str(path)!r}: {error}") from None
    if not products:
        raise BadTraffic(f"catalogue: {str(path)!r} has no products; give one JSON object a line")
    return tuple(products)


def _product(line: str, place: str) -> Product:
    try:
        told: Any = json.loads(line)
        category = told.get("category") or ""
        price = told.get("price")
        return Product(
            id=str(told["id"]),
            title=str(told["title"]),
            category=category if isinstance(category, str) else "/".join(map(str, category)),
            price=None if price is None else float(price),
            available=told.get("available"),
            attributes=dict(told.get("attributes") or {}),
            image=told.get("image"),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadTraffic(f"catalogue: {place}: not a product with an id and a title: {line[:60]!r}") from None
