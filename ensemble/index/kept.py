"""What requests say, kept by its text between searches and brought up to date with the slots that changed."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict, deque
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

import numpy as np

from ensemble.index.columns import Numbers
from ensemble.index.slots import Slots

# More changes than these, or more changed slots than this share of all, and a value is computed anew, which is faster.
MOST_LOGGED = 256
LOGGED_SHARE = 1 / 64
LEAST_LOGGED = 512

Compiled = TypeVar("Compiled")
Value = TypeVar("Value")


@dataclass
class Entry(Generic[Compiled, Value]):
    """One text.

    Args:
        text: As it was asked.
        compiled: What it says.
        value: What that comes to, over the slots.
        version: The changes that ``value`` knows of.
    """

    text: bytes
    compiled: Compiled
    value: Value
    version: int


class Kept(ABC, Generic[Compiled, Value]):
    """Values by their text, compiled once and computed once; least recently used ones are dropped.

    Args:
        slots: The index. Calls must not overlap with its ``flip``.
        kept_bytes: How much memory may be used.
    """

    def __init__(self, slots: Slots, kept_bytes: int) -> None:
        self._slots, self._kept_bytes = slots, kept_bytes
        self._entries: OrderedDict[bytes, Entry[Compiled, Value]] = OrderedDict()
        self._used = 0
        self._log: deque[Numbers] = deque()
        self._logged = 0
        self._version = 0
        self._lock = threading.Lock()

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
        """Drop all: a column changed its kind."""
        with self._lock:
            self._entries.clear()
            self._used = 0

    def texts(self) -> list[bytes]:
        """The texts that are kept, the least recently used first."""
        with self._lock:
            return list(self._entries)

    @abstractmethod
    def _compiled(self, text: bytes) -> Compiled:
        """What a text says. Raises ``InvalidInput``."""

    @abstractmethod
    def _computed(self, compiled: Compiled) -> Value:
        """Its value over all slots."""

    @abstractmethod
    def _updated(self, entry: Entry[Compiled, Value], slots: Numbers) -> Value:
        """Its value where some slots changed, each told once; new ones are among them."""

    @abstractmethod
    def _size(self, entry: Entry[Compiled, Value]) -> int:
        """The most memory that an entry takes, in bytes."""

    def _value(self, text: bytes) -> Value:
        """The value of a text as the slots are now.

        One that is new is computed beside the lock, so that nobody waits for it who asks for another; two who ask for
        it at once may both compute it.
        """
        with self._lock:
            entry = self._current(text)
            if entry is not None:
                return entry.value
        compiled = self._compiled(text)
        value = self._computed(compiled)
        with self._lock:
            return self._put(Entry(text, compiled, value, self._version)).value

    def _current(self, text: bytes) -> Entry[Compiled, Value] | None:
        """What is kept of a text, brought up to date; None where it is to be computed."""
        entry = self._entries.get(text)
        if entry is None:
            return None
        if entry.version == self._version:
            self._entries.move_to_end(text)
            return entry
        # Taken out meanwhile: where this fails, as for want of memory, half of it may be written.
        self._used -= self._size(self._entries.pop(text))
        missed = self._version - entry.version
        if missed > len(self._log):
            return None
        slots = np.unique(np.concatenate(list(islice(reversed(self._log), missed))))
        entry.value, entry.version = self._updated(entry, slots), self._version
        return self._put(entry)

    def _put(self, entry: Entry[Compiled, Value]) -> Entry[Compiled, Value]:
        """Keep an entry as the one used last, unless somebody else was faster; the entry that is kept."""
        kept = self._entries.setdefault(entry.text, entry)
        if kept is entry:
            self._used += self._size(entry)
        while self._used > self._kept_bytes and len(self._entries) > 1:
            self._used -= self._size(self._entries.popitem(last=False)[1])
        return kept
