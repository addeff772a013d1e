"""From products to the values of columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ensemble.index.columns import Kind

Product = Mapping[str, Any]

KEY_FIELDS: dict[str, Kind] = {"category": "word", "price": "number", "available": "flag"}
RESERVED = frozenset({"id", *KEY_FIELDS})


def values_of(products: Sequence[Product], name: str) -> list[Any]:
    """One value a product of a key field or an attribute; None where it has none."""
    if name == "category":
        return [product.get("category") or None for product in products]
    if name == "price":
        return [product.get("price") for product in products]
    if name == "available":
        return [product.get("available", True) for product in products]
    return [attributes_of(product).get(name) for product in products]


def attributes_of(product: Product) -> Mapping[str, Any]:
    """The attributes of a product, of which a catalogue may have none."""
    return product.get("attributes") or {}


def kinds_of(products: Iterable[Product]) -> dict[str, Kind]:
    """The kind of every attribute: words where its values are of several types.

    An attribute named like a key field is left out: the key field has its name.
    """
    kinds: dict[str, Kind] = {}
    for product in products:
        for name, value in attributes_of(product).items():
            if name not in RESERVED and value is not None:
                kinds[name] = wider(kinds.get(name), kind_of(value))
    return kinds


def kind_of(value: object) -> Kind:
    """The narrowest kind that holds a value."""
    if isinstance(value, bool):
        return "flag"
    return "number" if isinstance(value, int | float) else "word"


def wider(first: Kind | None, second: Kind) -> Kind:
    """The kind that holds what both hold."""
    return second if first in (None, second) else "word"
