"""Values by key, within a bound of memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values by key; the least recently used are dropped.

    Args:
        most_bytes: How much memory all may take together; one may take more by itself.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.nbytes = 0

    def get(self, key: K) -> V | None:
        """The value of a key, used now; None where it is not kept."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: K, value: V, nbytes: int) -> None:
        """Keep a value, in place of the one that its key had."""
        _, old_bytes = self._entries.pop(key, (None, 0))
        self._entries[key] = value, nbytes
        self.nbytes += nbytes - old_bytes
        while self.nbytes > self._most_bytes and len(self._entries) > 1:
            _, (_, size) = self._entries.popitem(last=False)
            self.nbytes -= size

    def clear(self) -> None:
        """Drop all."""
        self._entries.clear()
        self.nbytes = 0

    def keys(self) -> list[K]:
        """What is kept, the least recently used first."""
        return list(self._entries)
