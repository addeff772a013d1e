"""What passes each filter, kept between searches and brought up to date with the slots that changed."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ensemble.index.columns import Mask, Numbers
from ensemble.index.filter import Filter, parse_filter
from ensemble.index.passing import Passing
from ensemble.index.slots import Slots

KEPT_BYTES = 64 * 1024 * 1024
# What an entry takes beside its bits, its text and its compiled filter: the objects around them.
ENTRY_BYTES = 2_048
# More changes than these, or more changed slots than this share of all, and a mask is computed anew, which is faster.
MOST_LOGGED = 256
LOGGED_SHARE = 1 / 64
LEAST_LOGGED = 512


@dataclass
class Entry:
    """One filter.

    Args:
        text: As it was asked.
        compiled: None for the empty one, which all valid slots pass.
        passing: What passed it.
        version: The changes that ``passing`` knows of.
    """

    text: bytes
    compiled: Filter | None
    passing: Passing
    version: int

    @property
    def nbytes(self) -> int:
        """The most memory that it takes."""
        compiled = 0 if self.compiled is None else self.compiled.nbytes
        return ENTRY_BYTES + len(self.text) + compiled + self.passing.nbytes


class Masks:
    """Filters by their text, compiled once and evaluated once; least recently used ones are dropped.

    Args:
        slots: The index. Calls must not overlap with its ``flip``.
        kept_bytes: How much memory may be used.
    """

    def __init__(self, slots: Slots, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._slots, self._kept_bytes = slots, kept_bytes
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self._used = 0
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
        if not len(slots):
            return
        with self._lock:
            self._version += 1
            self._log.append(slots)
            self._logged += len(slots)
            most = max(LEAST_LOGGED, LOGGED_SHARE * len(self._slots.valid))
            while self._logged > most or len(self._log) > MOST_LOGGED:
                self._logged -= len(self._log.popleft())

    def forget(self) -> None:
        """Drop all filters: a column changed its kind."""
        with self._lock:
            self._entries.clear()
            self._used = 0

    def texts(self) -> list[bytes]:
        """The filters that are kept, the least recently used first."""
        with self._lock:
            return list(self._entries)

    def _new(self, text: bytes, name: str) -> Entry:
        compiled = parse_filter(text, self._slots.columns, name=name)
        entry = Entry(text, compiled, Passing.of(self._mask(compiled, None)), self._version)
        self._entries[text] = entry
        self._used += entry.nbytes
        self._drop_oldest()
        return entry

    def _drop_oldest(self) -> None:
        while self._used > self._kept_bytes and len(self._entries) > 1:
            self._used -= self._entries.popitem(last=False)[1].nbytes

    def _refresh(self, entry: Entry) -> None:
        self._used -= entry.nbytes
        missed = self._version - entry.version
        if missed > len(self._log):
            entry.passing = Passing.of(self._mask(entry.compiled, None))
        else:
            slots = np.unique(np.concatenate(list(islice(reversed(self._log), missed))))
            mask = self._mask(entry.compiled, slots)
            entry.passing = entry.passing.changed(slots, mask, len(self._slots.valid))
        entry.version = self._version
        self._used += entry.nbytes
        self._drop_oldest()

    def _mask(self, compiled: Filter | None, slots: Numbers | None) -> Mask:
        valid = self._slots.valid if slots is None else self._slots.valid[slots]
        return valid if compiled is None else valid & compiled.mask(self._slots.columns, slots)
