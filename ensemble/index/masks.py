"""What passes each filter, kept between searches and brought up to date with the slots that changed."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass

import numpy as np

from ensemble.index.columns import Mask, Numbers
from ensemble.index.filter import Filter, parse_filter
from ensemble.index.passing import Passing
from ensemble.index.slots import Slots

KEPT_BYTES = 64 * 1024 * 1024
# What an entry takes beside its bits: the compiled filter, its text, the objects around them.
ENTRY_BYTES = 4_096
# More changed slots than this share of all, and a mask is computed anew.
LOGGED_SHARE = 0.25
LEAST_LOGGED = 4_096


@dataclass
class Entry:
    """One filter.

    Args:
        compiled: None for the empty one, which all valid slots pass.
        passing: What passed it.
        version: The changes that ``passing`` knows of.
    """

    compiled: Filter | None
    passing: Passing
    version: int


class Masks:
    """Filters by their text, compiled once and evaluated once; least recently used ones are dropped.

    Args:
        slots: The index. Calls must not overlap with its ``flip``.
        kept_bytes: How much memory may be used.
    """

    def __init__(self, slots: Slots, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._slots, self._kept_bytes = slots, kept_bytes
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self._log: deque[Numbers] = deque()
        self._logged = 0
        self._version = 0
        self._lock = threading.Lock()

    def passing(self, text: bytes, name: str = "FILTER") -> Passing:
        """The valid slots that pass a filter.

        Raises:
            InvalidInput: It cannot be compiled against the columns as they are now.
        """
        with self._lock:
            entry = self._entries.get(text)
            if entry is None:
                return self._new(text, name).passing
            self._entries.move_to_end(text)
            if entry.version != self._version:
                self._refresh(entry)
            return entry.passing

    def changed(self, slots: Numbers) -> None:
        """Note slots whose validity or values changed; new ones among them."""
        with self._lock:
            self._version += 1
            self._log.append(slots)
            self._logged += len(slots)
            while self._logged > max(LEAST_LOGGED, LOGGED_SHARE * len(self._slots.valid)):
                self._logged -= len(self._log.popleft())

    def forget(self) -> None:
        """Drop all filters: a column changed its kind."""
        with self._lock:
            self._entries.clear()

    def texts(self) -> list[bytes]:
        """The filters that are kept, the least recently used first."""
        with self._lock:
            return list(self._entries)

    def _new(self, text: bytes, name: str) -> Entry:
        compiled = parse_filter(text, self._slots.columns, name=name)
        entry = Entry(compiled, Passing.of(self._mask(compiled, None)), self._version)
        self._entries[text] = entry
        used = sum(len(text) + kept.passing.nbytes + ENTRY_BYTES for text, kept in self._entries.items())
        while used > self._kept_bytes and len(self._entries) > 1:
            oldest, dropped = self._entries.popitem(last=False)
            used -= len(oldest) + dropped.passing.nbytes + ENTRY_BYTES
        return entry

    def _refresh(self, entry: Entry) -> None:
        missed = self._version - entry.version
        if missed > len(self._log):
            entry.passing = Passing.of(self._mask(entry.compiled, None))
        else:
            slots = np.unique(np.concatenate([self._log[-number] for number in range(1, missed + 1)]))
            mask = self._mask(entry.compiled, slots)
            entry.passing = entry.passing.changed(slots, mask, len(self._slots.valid))
        entry.version = self._version

    def _mask(self, compiled: Filter | None, slots: Numbers | None) -> Mask:
        valid = self._slots.valid if slots is None else self._slots.valid[slots]
        return valid if compiled is None else valid & compiled.mask(self._slots.columns, slots)
