"""Where the rows of chosen lists come from: from their codes where many pass, from the filter where few do."""

from __future__ import annotations

from typing import Any, Protocol

import faiss
import numpy as np

from ensemble.index.ann.structure import Floats, Numbers, Structure
from ensemble.index.passing import Passing

# The first look scores this part of the candidates of a whole search.
FIRST_PART = 3


class Source(Protocol):
    """Rows that may be found."""

    def first(self, lists: Numbers) -> Numbers:
        """Slots of the lists that are looked into first; negative ones are none."""

    def rest(self, lists: Numbers) -> Numbers:
        """Slots of the lists that are looked into then."""


class Coded:
    """Those that look best by their codes.

    Args:
        structure: The lists.
        query: ``(row_dim,)``.
        passing: What may be found.
        count: How many slots are taken from all lists together.
        wanted: How many hits are.
    """

    def __init__(self, structure: Structure, query: Floats, passing: Passing, count: int, wanted: int) -> None:
        self._structure, self._query, self._count, self._wanted = structure, query, count, wanted
        bitmap: Any = faiss.IDSelectorBitmap
        self._selector = None if passing.count == len(structure) else bitmap(passing.bits)

    def first(self, lists: Numbers) -> Numbers:
        """A part of the count: among few rows, those that count look well by their codes too."""
        return self._structure.scan(self._query, lists, max(self._wanted, self._count // FIRST_PART), self._selector)

    def rest(self, lists: Numbers) -> Numbers:
        """The whole count."""
        return self._structure.scan(self._query, lists, self._count, self._selector)


class Filtered:
    """All that pass.

    Args:
        structure: The lists.
        passing: What may be found.
    """

    def __init__(self, structure: Structure, passing: Passing) -> None:
        self._slots, self._lists = passing.slots, structure.lists[passing.slots]
        self._count = structure.list_count

    def first(self, lists: Numbers) -> Numbers:
        """Every slot that passes."""
        is_chosen = np.zeros(self._count, np.bool_)
        is_chosen[lists] = True
        slots: Numbers = self._slots[is_chosen[self._lists]]
        return slots

    rest = first
