"""The products of an index as they are shown: mapped from a snapshot, added since, or replaced in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


class Documents:
    """One UTF-8 JSON document a slot.

    Args:
        text: Those of the snapshot, one after another.
        ends: ``(slots,)`` int64, where each ends in ``text``.
    """

    def __init__(self, text: NDArray[np.uint8] | None = None, ends: NDArray[np.int64] | None = None) -> None:
        self._text = np.empty(0, np.uint8) if text is None else text
        self._ends = np.empty(0, np.int64) if ends is None else ends
        self._added: list[bytes] = []
        self._replaced: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._ends) + len(self._added)

    def __getitem__(self, slot: int) -> bytes:
        replaced = self._replaced.get(slot)
        if replaced is not None:
            return replaced
        if slot >= len(self._ends):
            return self._added[slot - len(self._ends)]
        start = self._ends[slot - 1] if slot else 0
        return self._text[start : self._ends[slot]].tobytes()

    def lengths(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """``(slots,)``: bytes of each document."""
        mapped = np.diff(self._ends, prepend=0)
        late = {slot: len(document) for slot, document in enumerate(self._added, len(self._ends))}
        late |= {slot: len(document) for slot, document in self._replaced.items()}
        lengths = np.zeros(len(self), np.int64)
        lengths[: len(mapped)] = mapped
        lengths[list(late)] = list(late.values())
        return lengths[slots]

    def add(self, documents: Sequence[bytes]) -> None:
        """Append the documents of new slots."""
        self._added.extend(documents)

    def replace(self, documents: Mapping[int, bytes]) -> None:
        """Replace the documents of slots that stay where they are."""
        self._replaced.update(documents)
