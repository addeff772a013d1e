"""A product: one row of the catalogue."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Attribute = str | int | float | bool

MAX_ID_CHARS = 256
# Names that an attribute cannot have: filters know them as fields of the product.
FIELDS = ("id", "title", "category", "price", "available", "image", "attributes")


@dataclass(frozen=True)
class Product:
    """One product.

    Args:
        id: Unique in the catalogue, 1 to 256 characters.
        title: What the product is called.
        category: Path from the root, levels joined by ``/`` (``"Kitchen/Mugs"``); empty where there is none.
        price: In the shop's currency, at least 0; ``None`` where unknown.
        available: Whether it can be bought now.
        image: Path of its picture as the catalogue has it; ``None`` where there is none.
        attributes: Free names with a string, a finite number or a flag each; whole numbers stay whole.

    Raises:
        ValueError: A value is not allowed; the message begins with the field's name in backticks.
    """

    id: str
    title: str
    category: str = ""
    price: float | None = None
    available: bool = True
    image: str | None = None
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= len(self.id) <= MAX_ID_CHARS:
            raise ValueError(f"`id` must have 1 to {MAX_ID_CHARS} characters, got {len(self.id)}")
        if not self.title.strip():
            raise ValueError("`title` must not be empty")
        if self.price is not None and not (math.isfinite(self.price) and self.price >= 0):
            raise ValueError(f"`price` must be a number of at least 0, got {self.price}")
        reserved = sorted(set(self.attributes) & set(FIELDS))
        if reserved:
            raise ValueError(f"`attributes` must not be named like a field of the product, got {reserved}")
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))

    def as_dict(self) -> dict[str, Any]:
        """The product as plain JSON types, as it travels on the request path."""
        return {
            "id": self.id,
            "title": self.title,
            "category": self.category,
            "price": self.price,
            "available": self.available,
            "image": self.image,
            "attributes": dict(self.attributes),
        }
