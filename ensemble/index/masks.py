"""What passes each filter, kept between searches and brought up to date with the slots that changed."""

from __future__ import annotations

from ensemble.index.columns import Mask, Numbers
from ensemble.index.filter import Filter, parse_filter
from ensemble.index.kept import Entry, Kept
from ensemble.index.passing import Passing
from ensemble.index.slots import Slots

KEPT_BYTES = 64 * 1024 * 1024
# What an entry takes beside its bits, its text and its compiled filter: the objects around them.
ENTRY_BYTES = 2_048


class Masks(Kept[Filter | None, Passing]):
    """Filters by their text.

    Args:
        slots: The index. Calls must not overlap with its ``flip``.
        kept_bytes: How much memory may be used.
    """

    def __init__(self, slots: Slots, *, kept_bytes: int = KEPT_BYTES) -> None:
        super().__init__(slots, kept_bytes)

    def passing(self, text: bytes) -> Passing:
        """The valid slots that pass a filter.

        Raises:
            InvalidInput: It cannot be compiled against the columns as they are now.
        """
        return self._value(text)

    def _compiled(self, text: bytes) -> Filter | None:
        return parse_filter(text, self._slots.columns)

    def _computed(self, compiled: Filter | None) -> Passing:
        return Passing.of(self._mask(compiled, None))

    def _updated(self, entry: Entry[Filter | None, Passing], slots: Numbers) -> Passing:
        return entry.value.changed(slots, self._mask(entry.compiled, slots), len(self._slots.valid))

    def _size(self, entry: Entry[Filter | None, Passing]) -> int:
        compiled = 0 if entry.compiled is None else entry.compiled.nbytes
        return ENTRY_BYTES + len(entry.text) + compiled + entry.value.nbytes

    def _mask(self, compiled: Filter | None, slots: Numbers | None) -> Mask:
        valid = self._slots.valid if slots is None else self._slots.valid[slots]
        return valid if compiled is None else valid & compiled.mask(self._slots.columns, slots)
