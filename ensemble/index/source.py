"""Where a search takes its index from."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from ensemble.index.engine import Hits


class State(Protocol):
    """One state of an index, as a search sees it. ``Reading`` is one."""

    @property
    def seq(self) -> int:
        """Last journal entry in this state."""

    def passing(self, text: bytes) -> Any:
        """See ``Terms.passing``."""

    def boost(self, text: bytes) -> Any:
        """See ``Terms.boost``."""

    def search(
        self, queries: Any, counts: Sequence[int], passing: Sequence[Any], boosts: Sequence[Any] | None = None
    ) -> list[Hits]:
        """See ``Engine.search``."""

    def ids(self, hits: Hits) -> list[str]:
        """The products that were found."""

    def documents(self, hits: Hits) -> list[bytes]:
        """The same as UTF-8 JSON."""


class Searchable(Protocol):
    """What retrieval needs of an index. ``Index`` is one."""

    @property
    def seq(self) -> int:
        """Last journal entry that has been applied."""

    @property
    def on_gpu(self) -> bool:
        """Whether it takes queries that lie on a GPU."""

    def reading(self) -> AbstractContextManager[State]:
        """One state for all that is asked within."""


class IndexSource(Protocol):
    """Tells which index to search. ``Follower`` is one, and so is ``Still``."""

    @property
    def index(self) -> Searchable:
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

    index: Searchable
    trouble: str | None = None

    def catch_up(self, seq: int, timeout_s: float) -> bool:
        """See ``IndexSource.catch_up``; waiting would be in vain."""
        return timeout_s >= 0 and self.index.seq >= seq
