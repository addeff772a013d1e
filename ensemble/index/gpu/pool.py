"""Rows of device memory by text, made when they are asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch

# Rows at first.
LEAST = 8
# Rows at most, however short they are: each has a text in main memory.
MOST = 4_096

Make = Callable[[Sequence[bytes], torch.Tensor, Sequence[int]], None]


class Pool:
    """Rows of one tensor by text; where there is no more room, the least recently used are written over.

    Numbers of rows hold until the next texts are asked for.

    Args:
        dtype: Of the rows.
        device: Where they are.
        most_bytes: How much all may take together; one row may take more by itself, and so may the rows of one batch.

    Attributes:
        rows: ``(rows, width)``, those that are not in use among them.
    """

    def __init__(self, dtype: torch.dtype, device: torch.device, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._numbers: OrderedDict[bytes, int] = OrderedDict()
        self.rows = torch.empty((0, 0), dtype=dtype, device=device)

    def most(self, width: int) -> int:
        """How many rows are kept at most."""
        return max(1, min(MOST, self._most_bytes // max(1, width * self.rows.itemsize)))

    def numbers(self, texts: Sequence[bytes], width: int, make: Make) -> list[int]:
        """The row of each text.

        Args:
            texts: Different ones, one or more.
            width: Values of a row. Where it changes, nothing is kept.
            make: Given texts that are not kept, writes the rows of ``rows`` that it is told.
        """
        if self.rows.shape[1] != width:
            self.release()
        for text in texts:
            if text in self._numbers:
                self._numbers.move_to_end(text)
        missing = [text for text in texts if text not in self._numbers]
        if missing:
            free = self._free(len(missing), len(texts), width)
            make(missing, self.rows, free)
            self._numbers.update(zip(missing, free, strict=True))
        return [self._numbers[text] for text in texts]

    def clear(self) -> None:
        """Keep nothing; the memory stays."""
        self._numbers.clear()

    def release(self) -> None:
        """Give the memory back too."""
        self.clear()
        self.rows = self.rows.new_empty((0, 0))

    def _free(self, count: int, least: int, width: int) -> list[int]:
        """Numbers of some rows that hold nothing which is asked for; of ``least`` rows or more in all."""
        needed = len(self._numbers) + count
        if needed > len(self.rows):
            self._grow(max(least, min(self.most(width), max(LEAST, needed, 2 * len(self.rows)))), width)
        while len(self._numbers) + count > len(self.rows):
            self._numbers.popitem(last=False)
        used = set(self._numbers.values())
        return [number for number in range(len(self.rows)) if number not in used][:count]

    def _grow(self, room: int, width: int) -> None:
        old = self.rows
        if room > len(old):
            self.rows = old.new_empty((room, width))
            self.rows[: len(old)] = old.reshape(len(old), width)
