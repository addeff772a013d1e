"""Where a search takes its index from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ensemble.index.index import Index


class IndexSource(Protocol):
    """Tells which index to search. ``Follower`` is one, and so is ``Still``."""

    @property
    def index(self) -> Index:
        """The index to search now; another one may be in use by the next search."""

    @property
    def trouble(self) -> str | None:
        """Why the index cannot be brought up to date at the moment; None where it can."""

    def catch_up(self, seq: int, timeout_s: float) -> bool:
        """Wait until the index holds a sequence number; whether it does."""


@dataclass(frozen=True)
class Still:
    """An index that follows nothing: it is as old as its snapshot.

    Args:
        index: The index.
    """

    index: Index
    trouble: str | None = None

    def catch_up(self, seq: int, timeout_s: float) -> bool:
        """See ``IndexSource.catch_up``; waiting would be in vain."""
        return timeout_s >= 0 and self.index.seq >= seq
