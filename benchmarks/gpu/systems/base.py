"""What the benchmark asks of a system."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.gpu.cases import Case
from benchmarks.gpu.shop import Numbers, Shop

# Called with the number of a batch's first query.
Whole = Callable[[int], Numbers]
Work = Callable[[int], object]


class Absent(Exception):
    """A system that cannot be measured; says why."""


@dataclass(frozen=True)
class Search:
    """Ways to ask for one case.

    Args:
        whole: From queries in main memory to ``(batch, K)`` slots there, -1 where fewer were found.
        device: Gives the device's part of it to the current stream, and does not wait; None where it cannot be told
            apart.
        graph: The same, replayed as a CUDA graph.
        fresh: As ``whole``, under filters that were never asked before.
        note: What is to be known of it.
    """

    whole: Whole
    device: Work | None = None
    graph: Work | None = None
    fresh: Whole | None = None
    note: str = ""


class System(ABC):
    """One way to search a shop.

    Args:
        shop: What is searched.
        most_batch: The most queries that are asked together.
    """

    name: str
    # Of the rows that a search reads.
    dtype = "float16"
    # The recall that it must have; 0 where it is only told.
    least = 0.0
    # Whether its answers must be the very ones, ties by slot.
    ordered = False
    # Whether it reads every row.
    exact = True

    def __init__(self, shop: Shop, most_batch: int) -> None:
        self.shop, self.most_batch = shop, most_batch

    @property
    def row_bytes(self) -> int:
        """Of one row, in what a search reads."""
        return self.shop.dim + 4 if self.dtype == "int8" else 2 * self.shop.dim

    @property
    def seconds_to_open(self) -> float:
        """About how long ``open`` takes: it is not begun where less time is left."""
        return 5 + len(self.shop) * self.shop.dim * 1e-9

    @abstractmethod
    def open(self) -> None:
        """Make it ready.

        Raises:
            Absent: It cannot be had here.
        """

    @abstractmethod
    def search(self, case: Case) -> Search | None:
        """How to ask for a case; None where the system cannot. What may be prepared for a filter is prepared here."""

    def close(self) -> None:
        """Give back what it holds on the device."""
        held = {"shop": self.shop, "most_batch": self.most_batch}
        vars(self).clear()
        vars(self).update(held)
