"""Filters and business scores on the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from ensemble.index.columns import Numbers
from ensemble.index.filter import Filter, parse_filter
from ensemble.index.gpu.asked import Boosted, DeviceBoost, DevicePassing, Selected
from ensemble.index.gpu.columns import DeviceColumns
from ensemble.index.gpu.compiler import Compiler
from ensemble.index.gpu.filters import CompiledFilters
from ensemble.index.gpu.kernels.passing import pack
from ensemble.index.gpu.order import Order
from ensemble.index.gpu.program import Programs
from ensemble.index.gpu.recent import Recent
from ensemble.index.gpu.sending import sent
from ensemble.index.gpu.sheets import Sheets
from ensemble.index.rank import Rank, parse_rank
from ensemble.index.slots import Slots

__all__ = ["Boosted", "DeviceBoost", "DevicePassing", "GpuTerms", "Selected"]

# Compiled filters and expressions, in main memory.
COMPILED_BYTES = 64 * 1024 * 1024
# Bits of filters, and values of expressions, in device memory: each may take so much.
KEPT_BYTES = 256 * 1024 * 1024
PLACES_AT_ONCE = 16 * 1024 * 1024


class GpuTerms:
    """The terms of the GPU engine; see ``Terms``.

    Work on the device is ordered: what one thread enqueued in its current stream comes before what the next does.

    Args:
        slots: The index.
        device: Where the columns are.
        kept_bytes: Device memory for the bits of filters, and as much again for the values of expressions.

    Attributes:
        columns: What is on the device.
    """

    def __init__(self, slots: Slots, device: torch.device, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._slots, self._device = slots, device
        self.columns = DeviceColumns(slots, device)
        self._filters = Recent[bytes, DevicePassing](COMPILED_BYTES)
        compiler = Compiler(slots, self.columns.numbers, self.columns.places)
        self._programs = CompiledFilters(slots, compiler, COMPILED_BYTES)
        self._ranks = Recent[bytes, DeviceBoost](COMPILED_BYTES)
        self._words, self._boosts = Sheets(kept_bytes), Sheets(kept_bytes)
        self._order = Order(device)

    def passing(self, text: bytes) -> DevicePassing:
        """See ``Terms.passing``; nothing is evaluated yet."""
        with self._order.lock:
            kept = self._filters.get(text)
            if kept is None:
                kept = DevicePassing(text, parse_filter(text, self._slots.columns))
                self._filters.put(text, kept, kept.nbytes)
            return kept

    def boost(self, text: bytes) -> DeviceBoost | None:
        """See ``Terms.boost``; nothing is evaluated yet."""
        with self._order.lock:
            kept = self._ranks.get(text)
            if kept is not None:
                return kept
            rank = parse_rank(text, self._slots.columns)
            if rank is None or rank.added is None:
                return None
            kept = DeviceBoost(text, rank)
            self._ranks.put(text, kept, kept.nbytes)
            return kept

    def changed(self, slots: Numbers) -> None:
        """See ``Terms.changed``."""
        with self._order.turn("copying changes to the GPU"):
            self._fit()
            if self.columns.adopt() or len(slots):
                self.columns.put(slots)
                self._drop()

    def forget(self) -> None:
        """See ``Terms.forget``."""
        with self._order.turn("forgetting filters"):
            self._filters.clear()
            self._programs.clear()
            self._ranks.clear()
            self._drop()

    def texts(self) -> list[bytes]:
        """See ``Terms.texts``."""
        with self._order.lock:
            return self._filters.keys()

    def words(self, passing: Sequence[DevicePassing]) -> Selected:
        """What the queries of a batch, one or more, may find in the state that there is now."""
        filters = {one.text: one.compiled for one in passing}
        with self._order.turn("evaluating filters"):
            self._fit()
            words = self._words.rows(tuple(filters), lambda texts: self._evaluated(texts, filters))
            which = self._numbers([one.text for one in passing], list(filters))
            return Selected(self._order.lent(words)[:, : -(-self.columns.count // 32)], which)

    def boosts(self, boosts: Sequence[DeviceBoost | None]) -> Boosted | None:
        """What is added to the inner products of a batch in the state that there is now; None for nothing."""
        ranks = {one.text: one.rank for one in boosts if one is not None}
        if not ranks:
            return None
        with self._order.turn("evaluating business scores"):
            self._fit()
            values = self._boosts.rows(tuple(ranks), lambda texts: self._scored([ranks[text] for text in texts]))
            which = self._numbers([b"" if one is None else one.text for one in boosts], list(ranks))
            return Boosted(self._order.lent(values)[:, : self.columns.count], which)

    def _evaluated(self, texts: Sequence[bytes], filters: Mapping[bytes, Filter | None]) -> torch.Tensor:
        trees = [None if (one := filters[text]) is None else one.tree for text in texts]
        programs = [self._programs.program(text, tree) for text, tree in zip(texts, trees, strict=True)]
        return pack(Programs.of(programs), self.columns.values, self.columns.valid)

    def _scored(self, ranks: Sequence[Rank]) -> torch.Tensor:
        """``(ranks, room)`` float32, some places at a time: the steps between take 8 bytes each."""
        room = len(self.columns.valid)
        scored = torch.empty((len(ranks), room), dtype=torch.float32, device=self._device)
        for first in range(0, room, PLACES_AT_ONCE):
            part = slice(first, first + PLACES_AT_ONCE)
            for row, rank in zip(scored, ranks, strict=True):
                values = {name: self.columns.values[self.columns.numbers[name], part] for name in rank.fields}
                row[part] = rank.boost(values, torch)
        return scored

    def _numbers(self, texts: Sequence[bytes], distinct: Sequence[bytes]) -> torch.Tensor:
        """``(queries,)`` int32: which of ``distinct`` each query has; -1 for one that is not among them."""
        number = {text: number for number, text in enumerate(distinct)}
        return sent(self._device, np.array([number.get(text, -1) for text in texts], np.int32))[0]

    def _fit(self) -> None:
        """Make room for all rows, and have the columns stay where they are until this turn's work is done."""
        self._order.lent(self.columns.valid)
        self._order.lent(self.columns.values)
        if self.columns.fit():
            self._drop()

    def _drop(self) -> None:
        self._words.clear()
        self._boosts.clear()
