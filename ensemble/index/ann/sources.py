"""Where the rows of chosen lists come from: from their codes where many pass, from the filter where few do."""

from __future__ import annotations

from typing import Any, Protocol

import faiss
import numpy as np

from ensemble.index.ann.structure import Floats, Numbers, Structure
from ensemble.index.passing import Passing


class Source(Protocol):
    """Rows that may be found."""

    def rows(self, lists: Numbers) -> Numbers:
        """Slots of some lists; negative ones are none."""


class Coded:
    """Those that look best by their codes.

    Args:
        structure: The lists.
        query: ``(row_dim,)``.
        passing: What may be found.
        count: How many slots are taken each time.
    """

    def __init__(self, structure: Structure, query: Floats, passing: Passing, count: int) -> None:
        self._structure, self._query, self._count = structure, query, count
        bitmap: Any = faiss.IDSelectorBitmap
        self._selector = None if passing.count == len(structure) else bitmap(passing.bits)

    def rows(self, lists: Numbers) -> Numbers:
        """See ``Source.rows``."""
        return self._structure.scan(self._query, lists, self._count, self._selector)


class Filtered:
    """All that pass.

    Args:
        structure: The lists.
        passing: What may be found.
    """

    def __init__(self, structure: Structure, passing: Passing) -> None:
        self._slots = passing.slots
        self._lists, self._list_count = structure.lists[self._slots], structure.list_count

    def rows(self, lists: Numbers) -> Numbers:
        """See ``Source.rows``."""
        is_chosen = np.zeros(self._list_count, np.bool_)
        is_chosen[lists] = True
        slots: Numbers = self._slots[is_chosen[self._lists]]
        return slots
