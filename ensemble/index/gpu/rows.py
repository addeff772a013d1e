"""An index's rows on the device."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from ensemble.index.gpu.errors import translating
from ensemble.index.gpu.kernels.scan import BIN
from ensemble.index.gpu.kernels.tiles import ROW_MULTIPLE, RowType
from ensemble.index.gpu.places import ALIGNMENT, Places
from ensemble.index.gpu.quantizing import quantized
from ensemble.index.slots import Rows, Slots

RescoreRows = Literal["device", "host"]

# Rows are copied so many bytes at a time, by way of memory that the GPU can read.
STAGED_BYTES = 64 * 1024 * 1024
LEAST_TAIL = 1_024


@dataclass(frozen=True)
class Segment:
    """Rows one after another, with room for as many as a multiple of ``ALIGNMENT``; those not written yet are zeros.

    Args:
        scanned: ``(room, dim)`` float16 or int8: what the scan reads.
        scales: ``(room,)`` float32: what int8 rows are multiples of; of one value where they are float16.
        reaches: ``(room / BIN,)`` float32: the largest norm of a row in each bin, as the scan reads it.
        exact: ``(room, dim)`` float16: what is scored again; perhaps in main memory, where the GPU can read it.
    """

    scanned: torch.Tensor
    scales: torch.Tensor
    reaches: torch.Tensor
    exact: torch.Tensor

    @property
    def room(self) -> int:
        """How many rows there may be."""
        return len(self.scanned)

    @property
    def device_bytes(self) -> int:
        """Bytes of device memory."""
        parts = {id(part): part for part in (self.scanned, self.scales, self.reaches, self.exact)}
        return sum(part.nbytes for part in parts.values() if part.device == self.scales.device)


class DeviceRows:
    """A copy of the rows of some slots: the base, and a tail with room to grow.

    Args:
        slots: The index.
        device: Where the copy is made.
        row_type: What the scan reads: the rows as they are, or int8 with a scale a row.
        rescore_rows: Where the float16 rows are kept that int8 rows are scored again by: ``host`` is main memory that
            the GPU reads over the bus.

    Raises:
        ValueError: A row holds NaN or infinity.
        OutOfDeviceMemory: They do not fit.

    Attributes:
        places: Where the slots lie.
        count: How many slots are here.
        dim: Length of the rows here, which end in zeros.
    """

    def __init__(
        self, slots: Slots, device: torch.device, *, row_type: RowType, rescore_rows: RescoreRows = "device"
    ) -> None:
        self._slots, self._device, self.row_type, self._rescore_rows = slots, device, row_type, rescore_rows
        self.dim = -(-slots.row_dim // ROW_MULTIPLE) * ROW_MULTIPLE
        self.places = Places(len(slots.base))
        self.count = len(slots.base)
        staged = min(max(1, STAGED_BYTES // (2 * self.dim)), max(LEAST_TAIL, len(slots.base)))
        self._staging = self._host(staged)
        self.base = self._segment(self.places.start)
        self.tail = self._segment(0)
        self._write(self.base, 0, slots.base)
        self.added(self.count)

    @property
    def device_bytes(self) -> int:
        """Bytes of device memory that the rows take."""
        return self.base.device_bytes + self.tail.device_bytes

    @property
    def tail_rows(self) -> int:
        """Rows of the tail, up to the next multiple of ``ALIGNMENT``."""
        return -(-(self.count - len(self._slots.base)) // ALIGNMENT) * ALIGNMENT

    def added(self, first: int) -> None:
        """Copy the rows from slot ``first`` on. No search runs meanwhile.

        Raises:
            ValueError: A row holds NaN or infinity.
            OutOfDeviceMemory: They do not fit.
        """
        base = len(self._slots.base)
        first, count = max(first, base), len(self._slots)
        self._make_room(count - base)
        self._write(self.tail, first - base, self._slots.tail[first - base : count - base])
        self.count = count

    def _make_room(self, rows: int) -> None:
        if rows <= self.tail.room:
            return
        room = max(LEAST_TAIL, rows + rows // 2)
        larger, old = self._segment(-(-room // ALIGNMENT) * ALIGNMENT), self.tail
        kept = [(larger.scales, old.scales), (larger.reaches, old.reaches), (larger.exact, old.exact)]
        kept += [(larger.scanned, old.scanned)] if self.row_type == "int8" else []
        for there, part in kept:
            there[: len(part)] = part
        self.tail = larger

    def _segment(self, room: int) -> Segment:
        is_int8 = self.row_type == "int8"
        needed = room * self.dim * (3 if is_int8 and self._rescore_rows == "device" else 1 if is_int8 else 2)
        with translating(f"room for {room:,} rows", needed=needed):
            reaches = torch.zeros(room // BIN, device=self._device)
            if not is_int8:
                rows = torch.zeros((room, self.dim), dtype=torch.float16, device=self._device)
                return Segment(rows, torch.zeros(1, device=self._device), reaches, rows)
            scanned = torch.zeros((room, self.dim), dtype=torch.int8, device=self._device)
            on_host = self._rescore_rows == "host"
            exact = self._host(room) if on_host else torch.zeros_like(scanned, dtype=torch.float16)
            return Segment(scanned, torch.zeros(room, device=self._device), reaches, exact)

    def _host(self, rows: int) -> torch.Tensor:
        return torch.zeros((rows, self.dim), dtype=torch.float16, pin_memory=self._device.type == "cuda")

    def _write(self, segment: Segment, at: int, rows: Rows) -> None:
        for start in range(0, len(rows), len(self._staging)):
            part = rows[start : start + len(self._staging)]
            staged = self._staging[: len(part)]
            np.copyto(staged.numpy()[:, : part.shape[1]], part)
            with translating(f"copying {len(part):,} rows", needed=len(part) * self.dim * 16):
                self._put(segment, at + start, staged)

    def _put(self, segment: Segment, at: int, staged: torch.Tensor) -> None:
        """Copy staged rows, and wait: they are written over next."""
        end = at + len(staged)
        # A copy that nobody waits for would leave its mark on the staging memory, see ``pinned``.
        there = staged.to(self._device)
        values = there.to(torch.float32)
        segment.exact[at:end] = staged if segment.exact.device.type == "cpu" else there
        if self.row_type == "int8":
            steps, scales = quantized(values)
            segment.scanned[at:end], segment.scales[at:end] = steps, scales
            values = steps.float().mul_(scales[:, None])
        norms = values.square_().sum(dim=1).sqrt_()
        bins = torch.arange(at, end, device=self._device) // BIN
        segment.reaches.scatter_reduce_(0, bins, norms, "amax")
        if not math.isfinite(float(norms.max())):
            raise ValueError(f"rows from {at} to {end - 1} of a segment: NaN or infinity; finite values are needed")
