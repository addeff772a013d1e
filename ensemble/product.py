"""A product on the request path: the JSON that indexing sends, and the text that its text half is encoded from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ensemble.errors import InvalidInput
from ensemble.settings import ProductSettings

Product = Mapping[str, Any]


def parse_product(data: bytes, *, name: str = "PRODUCT") -> dict[str, Any]:
    """Read a product from JSON.

    Raises:
        InvalidInput: Not a JSON object with a string ``title``.
    """
    try:
        product = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(name, f"not JSON: {error}") from None
    if not isinstance(product, dict) or not isinstance(product.get("title"), str):
        raise InvalidInput(name, 'a JSON object with at least a "title" is needed')
    if not isinstance(product.setdefault("attributes", {}), dict):
        raise InvalidInput(f"{name}.attributes", "an object of name and value is needed")
    return product


def product_text(product: Product, settings: ProductSettings) -> str:
    """The product's text for the text tower: the named fields, joined by full stops."""
    values = (_field(product, name) for name in settings.text)
    return ". ".join(value for value in values if value)


def _field(product: Product, name: str) -> str:
    if name == "title":
        return str(product["title"]).strip()
    if name == "category":
        return str(product.get("category") or "").replace("/", ", ").strip()
    value = product.get("attributes", {}).get(name)
    return "" if value is None else str(value).strip()
