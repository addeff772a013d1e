"""Builds the slots of a new release from the catalogue and its vectors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.index.columns import Kind
from ensemble.index.preparing import prepare
from ensemble.index.slots import Slots
from ensemble.index.snapshot import save
from ensemble.index.values import kinds_of, wider
from ensemble.settings import SpaceSettings

PRODUCTS_AT_ONCE = 4_096


@dataclass(frozen=True)
class _Given:
    """A product with its row, as a change of the catalogue."""

    id: str
    document: bytes | None
    row: NDArray[np.float16] | None


@dataclass(frozen=True)
class _Batch:
    """Several of them, as changes that an index takes."""

    seq: int
    changes: Sequence[_Given]
    kinds: Mapping[str, Kind]
    all_rows: bool = False


class IndexBuilder:
    """Collects products with their rows, in batches, and saves them as a snapshot.

    Args:
        space: The space that the rows are of.
        kinds: The kind of every attribute of the catalogue; None to find them from the values, where an attribute with
            values of several types becomes words.
        catalogue_id: The catalogue that the products are of, where it is in a database.
        seq: The journal's last entry that is in the products.
    """

    def __init__(
        self, space: SpaceSettings, kinds: Mapping[str, Kind] | None = None, *, catalogue_id: str = "", seq: int = 0
    ) -> None:
        self._kinds = kinds
        self._slots = Slots.empty(space.space_id, space.row_dim, catalogue_id=catalogue_id, seq=seq)

    def add(self, products: Sequence[Mapping[str, Any]], rows: NDArray[np.float32]) -> None:
        """Add products with their ``(products, row_dim)`` rows, which are kept as float16.

        Raises:
            ValueError: The shapes do not fit, or a value is not finite.
            ChangesRefused: An attribute's value is not of its kind.
        """
        expected = (len(products), self._slots.row_dim)
        if rows.shape != expected:
            raise ValueError(f"rows of shape {expected} expected, got {rows.shape}")
        with np.errstate(over="ignore"):  # what is too large for float16 becomes infinite, and is refused
            halves = rows.astype(np.float16)
        if not np.isfinite(halves).all():
            bad = products[int(np.flatnonzero(~np.isfinite(halves).all(axis=1))[0])]["id"]
            raise ValueError(f"the row of product {bad!r} holds a value that is not finite")
        for start in range(0, len(products), PRODUCTS_AT_ONCE):
            part = slice(start, start + PRODUCTS_AT_ONCE)
            self._add(products[part], halves[part])

    def build(self) -> Slots:
        """The slots of all products added so far."""
        return self._slots

    def save(self, folder: Path) -> dict[str, str]:
        """Write the snapshot; returns the SHA-256 of each file."""
        return save(self._slots, folder)

    def _add(self, products: Sequence[Mapping[str, Any]], rows: NDArray[np.float16]) -> None:
        given = [
            _Given(product["id"], json.dumps(product, ensure_ascii=False).encode(), row)
            for product, row in zip(products, rows, strict=True)
        ]
        update = prepare(self._slots, _Batch(self._slots.seq, given, self._kinds_with(products)))
        self._slots.flip(update)

    def _kinds_with(self, products: Sequence[Mapping[str, Any]]) -> Mapping[str, Kind]:
        if self._kinds is not None:
            return self._kinds
        stored = self._slots.stored
        found = kinds_of(products).items()
        return {name: wider(stored[name].kind if name in stored else None, kind) for name, kind in found}
