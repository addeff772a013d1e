"""Where the slots lie on the device: the base padded to whole blocks, the tail after it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ensemble.index.columns import Numbers

# Blocks of rows and whole words of bits begin at multiples of this.
ALIGNMENT = 256


@dataclass(frozen=True)
class Places:
    """The numbering of the device: as the slots, but the tail starts at a multiple of ``ALIGNMENT``.

    The order is that of the slots, so that ties by slot are ties by place.

    Args:
        base: How many slots the base has.
    """

    base: int

    def __post_init__(self) -> None:
        if self.base < 0:
            raise ValueError(f"base: {self.base} slots; at least 0 are needed")

    @property
    def start(self) -> int:
        """The first place of the tail; those from ``base`` to here are of no slot."""
        return -(-self.base // ALIGNMENT) * ALIGNMENT

    def count(self, slots: int) -> int:
        """How many places so many slots take."""
        return slots if slots <= self.base else self.start + slots - self.base

    def of_slots(self, slots: Numbers) -> Numbers:
        """``(slots,)`` int64: the place of each slot."""
        return np.where(slots < self.base, slots, slots + (self.start - self.base))

    def to_slots(self, places: Numbers) -> Numbers:
        """``(places,)`` int64: the slot at each place, which must be of one."""
        return np.where(places < self.base, places, places - (self.start - self.base))
