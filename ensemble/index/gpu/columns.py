"""Validity and columns on the device, by place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ensemble.index.columns import Kind, Numbers, Stored, as_floats
from ensemble.index.gpu.errors import OutOfDeviceMemory, translating
from ensemble.index.gpu.kernels.passing import BLOCK
from ensemble.index.gpu.places import Places
from ensemble.index.gpu.stream import Stream
from ensemble.index.slots import Slots

# Room for slots to come, at least.
LEAST = 1_024
# Slots that are copied together: host memory holds no second copy of a column.
SLOTS_AT_ONCE = 1_048_576
CHANGED_AT_ONCE = 65_536


class DeviceColumns:
    """What filters and business scores read: 8 bytes a column and place, and one for validity.

    Everything is float64, so that comparisons come out as on the host: words as their codes, flags as 0 and 1; NaN
    where a value is missing.

    Args:
        slots: The index.
        stream: In use, whenever this is.

    Attributes:
        places: The numbering.
        numbers: The row of each column in ``values``.
        valid: ``(room,)`` uint8: 1 where a slot is that a search may find. ``room`` is a multiple of the kernel's
            block.
        values: ``(columns, room)`` float64.
    """

    def __init__(self, slots: Slots, stream: Stream) -> None:
        self._slots, self._stream = slots, stream
        self.places = Places(len(slots.base))
        self.numbers: dict[str, int] = {}
        self._uploaded: dict[str, Stored] = {}
        self.valid, self.values = self._nothing()
        self._load()

    @property
    def count(self) -> int:
        """Places in use, those of rows that no search may find yet among them."""
        return self.places.count(len(self._slots))

    @property
    def nbytes(self) -> int:
        """Bytes of device memory."""
        return self.valid.nbytes + self.values.nbytes

    def fit(self) -> None:
        """Make room for all slots that there are."""
        held = len(self.valid)
        if self.count <= held:
            return
        with suppress(OutOfDeviceMemory):
            valid, values = self._missing(len(self.values), self._room())
            valid[:held], values[:, :held] = self.valid, self.values
            self.valid, self.values = valid, values
            return
        self._load()

    def adopt(self) -> bool:
        """Take up columns that are new, or that changed their kind.

        Returns:
            Whether there were any.
        """
        fresh = {name: column for name, column in self._slots.stored.items() if self._uploaded.get(name) is not column}
        for name in fresh:
            self.numbers.setdefault(name, len(self.numbers))
        more = len(self.numbers) - len(self.values)
        if more > 0:
            with suppress(OutOfDeviceMemory):
                values = self._missing(len(self.numbers), len(self.valid))[1]
                values[:-more] = self.values
                self.values = values
                more = 0
        if more > 0:
            self._load()
            return True
        for name, column in fresh.items():
            row = self.values[self.numbers[name]]
            self._write(row, column.values, column.kind)
        self._uploaded |= fresh
        return bool(fresh)

    def put(self, slots: Numbers) -> None:
        """Copy validity and values of some slots anew; there must be room for them."""
        for start in range(0, len(slots), CHANGED_AT_ONCE):
            part = slots[start : start + CHANGED_AT_ONCE]
            columns = [self._slots.stored[name] for name in self.numbers]
            values = np.stack([as_floats(column.values[part], column.kind) for column in columns])
            valid = self._slots.valid[part].view(np.uint8)
            at, new_valid, new_values = self._stream.sent(self.places.of_slots(part), valid, values)
            self.valid.index_copy_(0, at, new_valid)
            self.values.index_copy_(1, at, new_values)

    def _load(self) -> None:
        """Copy everything from main memory, after what was here is given back: there may be no room for both."""
        self._uploaded, self.valid, self.values = {}, *self._nothing()
        self.valid, self.values = self._missing(len(self._slots.stored), self._room())
        self._write(self.valid, self._slots.valid)
        self.adopt()

    def _room(self) -> int:
        """Places to have, with half of the tail to spare."""
        tail = max(0, self.count - self.places.start)
        return -(-(self.places.start + max(LEAST, tail + tail // 2)) // BLOCK) * BLOCK

    def _nothing(self) -> tuple[torch.Tensor, torch.Tensor]:
        values = torch.empty((0, 0), dtype=torch.float64, device=self._stream.device)
        return values.flatten().to(torch.uint8), values

    def _missing(self, columns: int, room: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Validity and columns of no slot."""
        with translating(f"{columns} columns of {room:,} products", needed=room * (1 + 8 * columns)):
            values = torch.full((columns, room), torch.nan, dtype=torch.float64, device=self._stream.device)
            return torch.zeros(room, dtype=torch.uint8, device=self._stream.device), values

    def _write(self, row: torch.Tensor, values: NDArray[Any], kind: Kind = "number") -> None:
        """Copy a value of each slot to its place."""
        for first, last in parts(len(values), self.places.base):
            at = first if first < self.places.base else first - self.places.base + self.places.start
            part = torch.from_numpy(as_floats(values[first:last], kind))
            row[at : at + last - first] = part.to(row.device)


def parts(slots: int, base: int) -> Iterator[tuple[int, int]]:
    """Ranges of slots, small ones, each in the base or in the tail."""
    for start, end in ((0, min(slots, base)), (base, slots)):
        for first in range(start, end, SLOTS_AT_ONCE):
            yield first, min(first + SLOTS_AT_ONCE, end)
