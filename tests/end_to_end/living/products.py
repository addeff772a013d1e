"""Products that a test writes: ids of their own, in a category of their own."""

from __future__ import annotations

import itertools
from typing import Any

from tests import tiny

NUMBERS = itertools.count()
PHOTO = tiny.picture((250, 120, 250), 77)


def product(**fields: Any) -> dict[str, Any]:
    """One with an id of its own."""
    return {"id": f"N{next(NUMBERS):03}", "title": "small white ball", "category": "New/Balls", **fields}


def only(product_id: str) -> dict[str, Any]:
    """The filter that passes one product."""
    return {"eq": ["id", product_id]}
