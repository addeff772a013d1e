"""What each business score adds to the slots, kept between searches and brought up to date with those that changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ensemble.index.columns import Numbers, as_floats
from ensemble.index.growing import Growing
from ensemble.index.kept import Entry, Kept
from ensemble.index.nodes import stored
from ensemble.index.rank import Rank, parse_rank, read_rank
from ensemble.index.slots import Slots

Boost = NDArray[np.float32]

KEPT_BYTES = 256 * 1024 * 1024
# The most that an entry takes beside its array and its text: a tree of as many nodes as are allowed, and the rest.
ENTRY_BYTES = 16_384
# So many at a time the steps of an expression stay in a core's cache, and take little memory beside the result.
SLOTS_AT_ONCE = 16_384


class Boosts(Kept[Rank, Growing]):
    """Business scores by their text.

    Args:
        slots: The index. Calls must not overlap with its ``flip``.
        kept_bytes: How much memory may be used: four bytes a slot for each score, and up to half as much again. What a
            batch of searches holds while it runs is not counted.
    """

    def __init__(self, slots: Slots, *, kept_bytes: int = KEPT_BYTES) -> None:
        super().__init__(slots, kept_bytes)

    def boost(self, text: bytes) -> Boost | None:
        """What a business score adds to the inner product of each slot.

        Returns:
            ``(slots,)``, valid until the slots change; None where nothing is added.

        Raises:
            InvalidInput: It cannot be compiled against the columns as they are now.
        """
        return None if not text or read_rank(text).added is None else self._value(text).view

    def _compiled(self, text: bytes) -> Rank:
        rank = parse_rank(text, self._slots.columns)
        if rank is None:
            raise ValueError("an empty text is no business score")
        return rank

    def _computed(self, compiled: Rank) -> Growing:
        boost = np.empty(len(self._slots.valid), np.float32)
        for first in range(0, len(boost), SLOTS_AT_ONCE):
            part = slice(first, first + SLOTS_AT_ONCE)
            boost[part] = self._boost(compiled, part)
        return Growing(boost)

    def _updated(self, entry: Entry[Rank, Growing], slots: Numbers) -> Growing:
        # In place: nobody holds the array of an older state any more.
        grown = entry.value
        new = len(self._slots.valid) - len(grown)
        grown.stage(np.zeros(new, np.float32))
        grown.extend(new)
        grown.view[slots] = self._boost(entry.compiled, slots)
        return grown

    def _size(self, entry: Entry[Rank, Growing]) -> int:
        return ENTRY_BYTES + len(entry.text) + entry.value.nbytes

    def _boost(self, rank: Rank, slots: Numbers | slice) -> Boost:
        """Of the slots that are asked about; of no dimension where it is the same for all."""
        columns = self._slots.columns
        used = {name: stored(columns, name) for name in rank.fields}
        boost: Boost = rank.boost({name: as_floats(one.values[slots], one.kind) for name, one in used.items()})
        return boost
