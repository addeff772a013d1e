"""Product vectors of a catalogue, by the very tower that the server encodes newcomers with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ensemble.product_tower import AnyProductTower
from export.check import MAX_NORM_ERROR, norm_error
from export.errors import GateFailed
from export.reference import Floats

BATCH = 1_024
WORST_SHOWN = 3


def as_kept(rows: Floats) -> Floats:
    """Rows as an index keeps them, in float16: from these the server makes the vectors of what changes."""
    kept: Floats = rows.astype(np.float16).astype(np.float32)
    return kept


def encode_products(
    tower: AnyProductTower,
    rows: Floats,
    products: Sequence[Mapping[str, Any]],
    advance: Callable[[int], None] = lambda _: None,
) -> Floats:
    """Vectors ``(products, dim)`` of length 1.

    Args:
        tower: The product tower.
        rows: ``(products, row_dim)``, by the frozen towers.
        products: As documents.
        advance: Told how many more are done.

    Raises:
        GateFailed: A vector is not finite or not of length 1; names the products.
    """
    vectors = np.zeros((len(products), tower.dim), np.float32)
    for start in range(0, len(products), BATCH):
        part = slice(start, start + BATCH)
        vectors[part] = tower.encode(as_kept(rows[part]), products[part])
        _hold(vectors[part], products[part])
        advance(len(products[part]))
    return vectors


def _hold(vectors: Floats, products: Sequence[Mapping[str, Any]]) -> None:
    errors = norm_error(vectors)
    if errors.max() > MAX_NORM_ERROR:
        worst = [f"product {products[at]['id']!r}" for at in np.argsort(errors)[::-1][:WORST_SHOWN]]
        raise GateFailed("product vectors: difference of length to 1", float(errors.max()), MAX_NORM_ERROR, worst)
