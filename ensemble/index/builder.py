"""Builds the slots of a new release from the catalogue and its vectors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.index.columns import columns_of
from ensemble.index.slots import Slots
from ensemble.index.snapshot import save
from ensemble.settings import SpaceSettings


class IndexBuilder:
    """Collects products with their rows, in batches, and saves them as a snapshot.

    Args:
        space: The space that the rows are of.
    """

    def __init__(self, space: SpaceSettings) -> None:
        self._space = space
        self._products: list[Mapping[str, Any]] = []
        self._rows: list[NDArray[np.float32]] = []

    def add(self, products: Sequence[Mapping[str, Any]], rows: NDArray[np.float32]) -> None:
        """Add products with their ``(products, row_dim)`` rows.

        Raises:
            ValueError: The shapes do not fit, or a value is not finite.
        """
        expected = (len(products), self._space.row_dim)
        if rows.shape != expected:
            raise ValueError(f"rows of shape {expected} expected, got {rows.shape}")
        if not np.isfinite(rows).all():
            bad = products[int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])]["id"]
            raise ValueError(f"the row of product {bad!r} holds a value that is not finite")
        self._products.extend(products)
        self._rows.append(rows.astype(np.float32, copy=False))

    def build(self) -> Slots:
        """The slots of all products added so far."""
        documents = [json.dumps(product, ensure_ascii=False).encode() for product in self._products]
        offsets = np.concatenate([[0], np.cumsum([len(document) for document in documents])]).astype(np.int64)
        empty = np.empty((0, self._space.row_dim), np.float32)
        return Slots(
            vectors=np.concatenate([empty, *self._rows]),
            valid=np.ones(len(documents), np.bool_),
            columns=columns_of(self._products),
            documents=np.frombuffer(b"".join(documents), np.uint8),
            offsets=offsets,
            space_id=self._space.space_id,
        )

    def save(self, folder: Path) -> dict[str, str]:
        """Write the snapshot; returns the SHA-256 of each file."""
        return save(self.build(), folder)
