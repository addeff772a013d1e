"""Slots: the arrays that an index is made of, side by side, one row a product version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.index.columns import Column, Mask


@dataclass(frozen=True)
class Slots:
    """The arrays of one index.

    Args:
        vectors: ``(slots, row_dim)`` float32, ``[text half, image half]``.
        valid: ``(slots,)`` bool; false where the product was deleted or moved to a newer slot.
        columns: Filterable fields by name.
        documents: All products as UTF-8 JSON, one after another, as ``uint8``.
        offsets: ``(slots + 1,)`` int64, where each product begins in ``documents``.
        space_id: The space that ``vectors`` are of.
        seq: Last journal entry that is in here.
    """

    vectors: NDArray[np.float32]
    valid: Mask
    columns: Mapping[str, Column]
    documents: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    space_id: str
    seq: int = 0

    def __post_init__(self) -> None:
        slots = len(self.vectors)
        lengths = {"valid": len(self.valid), "offsets": len(self.offsets) - 1}
        lengths |= {name: len(column.values) for name, column in self.columns.items()}
        wrong = {name: length for name, length in lengths.items() if length != slots}
        if wrong:
            raise ValueError(f"arrays of {slots} slots expected, got {wrong}")

    def __len__(self) -> int:
        return len(self.vectors)

    def ids(self, slots: NDArray[np.int64]) -> list[str]:
        """Product ids of some slots."""
        column = self.columns["id"]
        return [column.words[code] for code in column.values[slots]]

    def document(self, slot: int) -> bytes:
        """The product of a slot as UTF-8 JSON."""
        return self.documents[self.offsets[slot] : self.offsets[slot + 1]].tobytes()

    def product(self, slot: int) -> dict[str, Any]:
        """The product of a slot."""
        product: dict[str, Any] = json.loads(self.document(slot))
        return product
