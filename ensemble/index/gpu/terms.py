"""Filters and business scores on the device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch

from ensemble.index.columns import Numbers
from ensemble.index.filter import parse_filter
from ensemble.index.gpu.asked import Asked, Chosen, DeviceBoost, DevicePassing
from ensemble.index.gpu.columns import DeviceColumns
from ensemble.index.gpu.compiler import Compiler
from ensemble.index.gpu.filters import CompiledFilters
from ensemble.index.gpu.kernels.passing import pack
from ensemble.index.gpu.pool import Pool
from ensemble.index.gpu.program import Programs
from ensemble.index.gpu.recent import Recent
from ensemble.index.gpu.stream import Stream
from ensemble.index.rank import Rank, parse_rank
from ensemble.index.slots import Slots

# Compiled filters and expressions, in main memory.
COMPILED_BYTES = 64 * 1024 * 1024
# Bits of filters, and values of expressions, in device memory: each may take so much.
KEPT_BYTES = 256 * 1024 * 1024
# Places in a word of bits.
WORD = 32
PLACES_AT_ONCE = 16 * 1024 * 1024


class GpuTerms:
    """The terms of the GPU engine; see ``Terms``.

    Args:
        slots: The index.
        device: Where the columns are.
        kept_bytes: Device memory for the bits of filters, and as much again for the values of expressions.

    Attributes:
        stream: Of all work on the index.
        columns: What is on the device.
    """

    def __init__(self, slots: Slots, device: torch.device, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._slots, self.stream = slots, Stream(device)
        with self.stream.turn("copying columns to the GPU"):
            self.columns = DeviceColumns(slots, self.stream)
        self._filters = Recent[bytes, DevicePassing](COMPILED_BYTES)
        compiler = Compiler(slots, self.columns.numbers, self.columns.places)
        self._programs = CompiledFilters(slots, compiler, COMPILED_BYTES)
        self._ranks = Recent[bytes, DeviceBoost](COMPILED_BYTES)
        self._words = Pool(torch.int32, device, kept_bytes)
        self._boosts = Pool(torch.float32, device, kept_bytes)

    def passing(self, text: bytes) -> DevicePassing:
        """See ``Terms.passing``; nothing is evaluated yet."""
        with self.stream.lock:
            kept = self._filters.get(text)
            if kept is None:
                kept = DevicePassing(text, parse_filter(text, self._slots.columns))
                self._filters.put(text, kept, kept.nbytes)
            return kept

    def boost(self, text: bytes) -> DeviceBoost | None:
        """See ``Terms.boost``; nothing is evaluated yet."""
        with self.stream.lock:
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
        with self.stream.turn("copying changes to the GPU"):
            self._fit()
            if self.columns.adopt() or len(slots):
                self.columns.put(slots)
                self._drop()

    def forget(self) -> None:
        """See ``Terms.forget``."""
        with self.stream.turn("forgetting filters"):
            self._filters.clear()
            self._programs.clear()
            self._ranks.clear()
            self._drop()

    def texts(self) -> list[bytes]:
        """See ``Terms.texts``."""
        with self.stream.lock:
            return self._filters.keys()

    def scores(self) -> list[bytes]:
        """See ``Terms.scores``."""
        with self.stream.lock:
            return self._ranks.keys()

    def words(self, passing: Sequence[DevicePassing]) -> Chosen:
        """What the queries of a batch, one or more, may find in the state that there is now."""
        filters = {one.text: one.compiled for one in passing}

        def write(texts: Sequence[bytes], words: torch.Tensor, rows: Sequence[int]) -> None:
            trees = [None if (one := filters[text]) is None else one.tree for text in texts]
            programs = [self._programs.program(text, tree) for text, tree in zip(texts, trees, strict=True)]
            pack(Programs.of(programs), self.columns.values, self.columns.valid, self.stream, words, rows)

        with self.stream.turn("evaluating filters"):
            self._fit()
            numbers = self._words.numbers(tuple(filters), len(self.columns.valid) // WORD, write)
            rows = self._words.rows[:, : -(-self.columns.count // WORD)]
            return _chosen([one.text for one in passing], dict(zip(filters, numbers, strict=True)), rows)

    def boosts(self, boosts: Sequence[DeviceBoost | None]) -> Chosen | None:
        """What is added to the inner products of a batch in the state that there is now; None for nothing."""
        ranks = {one.text: one.rank for one in boosts if one is not None}
        if not ranks:
            return None

        def write(texts: Sequence[bytes], values: torch.Tensor, rows: Sequence[int]) -> None:
            for text, row in zip(texts, rows, strict=True):
                self._score(ranks[text], values[row])

        with self.stream.turn("evaluating business scores"):
            self._fit()
            numbers = self._boosts.numbers(tuple(ranks), len(self.columns.valid), write)
            rows = self._boosts.rows[:, : self.columns.count]
            texts = [None if one is None else one.text for one in boosts]
            return _chosen(texts, dict(zip(ranks, numbers, strict=True)), rows)

    def parts(self, asked: Asked, most: int) -> Iterator[Asked]:
        """Parts of a search of so many queries at most, whose filters and business scores have room on the device."""
        room = len(self.columns.valid)
        return asked.parts(most, self._words.most(room // WORD), self._boosts.most(room))

    def release(self) -> None:
        """Give the memory back that is kept only to save time."""
        with self.stream.lock:
            self._words.release()
            self._boosts.release()

    def _score(self, rank: Rank, row: torch.Tensor) -> None:
        """Write a ``(room,)`` row, some places at a time: the steps between take 8 bytes each."""
        for first in range(0, len(row), PLACES_AT_ONCE):
            part = slice(first, first + PLACES_AT_ONCE)
            values = {name: self.columns.values[self.columns.numbers[name], part] for name in rank.fields}
            row[part] = rank.boost(values, torch)

    def _fit(self) -> None:
        """Make room for all rows, that of what is kept first."""
        if self.columns.count > len(self.columns.valid):
            self.release()
            self.columns.fit()

    def _drop(self) -> None:
        self._words.clear()
        self._boosts.clear()


def _chosen(texts: Sequence[bytes | None], numbers: Mapping[bytes, int], rows: torch.Tensor) -> Chosen:
    """The rows of some texts; the row alone where they are one."""
    first = next(iter(numbers.values()))
    if len(numbers) == 1:
        rows, numbers = rows[first : first + 1], dict.fromkeys(numbers, 0)
    return Chosen(rows, np.array([-1 if text is None else numbers[text] for text in texts], np.int32))
