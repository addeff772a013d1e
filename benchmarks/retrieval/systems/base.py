"""What the benchmark asks of an engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.retrieval.shop import Floats, Numbers, Shop

# Takes a ``(384,)`` query and gives at most ten products, best first.
Search = Callable[[Floats], Numbers]


class System(ABC):
    """An engine over one shop.

    Args:
        shop: What is searched.
        folder: Where ``build`` leaves its files.
    """

    name: str
    # Cheapest first: what the engine may be set to, and the benchmark chooses from.
    settings: Sequence[int] = (0,)
    filters = True

    def __init__(self, shop: Shop, folder: Path) -> None:
        self.shop, self.folder = shop, folder

    @abstractmethod
    def build(self) -> None:
        """Build with two threads, and leave the files that ``open`` needs."""

    @abstractmethod
    def open(self) -> None:
        """Load the files."""

    @abstractmethod
    def search(self, rate: float, setting: int) -> Search:
        """A search under the filter of a pass rate. What an engine may prepare for a filter is prepared here."""

    def load_libraries(self) -> None:
        """Import what ``open`` would: code is not counted among what an index takes."""
        return

    def prepare(self) -> None:
        """What is no part of building."""
        return

    def touch(self) -> None:
        """Bring what is mapped from files and not yet in memory there: it will be in time, and is counted."""
        return

    def two_threads(self, rate: float, setting: int) -> Callable[[Floats], None] | None:
        """Answers many queries with two threads of the engine's own; None for an engine that callers may share."""
        del rate, setting
        return None
