"""Requests of writes as the server's models get them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from catalogue.database import Database, Space
from ensemble.serving import Tensors

SPACE = Space("s" * 64, 2, 2, ("title", "material"))
RELEASE = 3
UNIT = (0.6, 0.8)
Row = tuple[float, ...]


def bytes_of(values: Sequence[Any]) -> Any:
    return np.array([[each if isinstance(each, bytes) else json.dumps(each).encode()] for each in values], object)


def request(*products: Any, image: bytes = b"", row: Row = (*UNIT, 0, 0), **more: Any) -> dict[str, Any]:
    count = len(products)
    rows = np.array([row] * count, np.float32)
    return {"PRODUCT": bytes_of(products), "IMAGE": bytes_of([image] * count), "ROW": rows, **more}


def mug(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "title": f"Mug {name}", **fields}


def ids(database_url: str) -> list[str]:
    with Database.open(database_url) as database:
        return sorted(stored.product.id for stored in database.products())


def told(answer: Tensors | Exception) -> Any:
    if isinstance(answer, Exception):
        return f"{type(answer).__name__} {answer}"
    return {name: value.ravel().tolist() for name, value in answer.items()}
