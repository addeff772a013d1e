"""Which slots a query may find, as the engines take it: a bit a slot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KEPT_SLOTS = 32_768


@dataclass(frozen=True)
class Passing:
    """Slots that are valid and pass a filter.

    Args:
        bits: ``(ceil(slots / 8),)`` uint8; slot ``i`` is bit ``i & 7`` of byte ``i >> 3``. Bits beyond the last slot
            are 0.
        count: How many slots pass.
    """

    bits: NDArray[np.uint8]
    count: int

    @classmethod
    def of(cls, mask: NDArray[np.bool_]) -> Passing:
        """From one flag a slot."""
        return cls(np.packbits(mask, bitorder="little"), int(np.count_nonzero(mask)))

    @property
    def slots(self) -> NDArray[np.int64]:
        """``(count,)``: the slots that pass, ascending; kept for the next time where they are few."""
        kept: NDArray[np.int64] | None = self.__dict__.get("_slots")
        if kept is not None:
            return kept
        slots = np.flatnonzero(np.unpackbits(self.bits, bitorder="little"))
        if self.count <= KEPT_SLOTS:
            object.__setattr__(self, "_slots", slots)
        return slots

    @property
    def nbytes(self) -> int:
        """The most memory that it takes."""
        return len(self.bits) + (8 * self.count if self.count <= KEPT_SLOTS else 0)

    def changed(self, slots: NDArray[np.int64], mask: NDArray[np.bool_], total: int) -> Passing:
        """The same with other flags for some slots.

        Args:
            slots: Which, each once.
            mask: Whether each passes now.
            total: How many slots there are now.
        """
        bits = np.zeros((total + 7) // 8, np.uint8)
        bits[: len(self.bits)] = self.bits
        places, rows = np.unique(slots >> 3, return_inverse=True)
        flags = np.unpackbits(bits[places], bitorder="little").reshape(-1, 8)
        before = np.count_nonzero(flags)
        flags[rows, slots & 7] = mask
        bits[places] = np.packbits(flags, axis=1, bitorder="little")[:, 0]
        return Passing(bits, self.count + int(np.count_nonzero(flags) - before))
