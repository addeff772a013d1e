"""The seam between retrieval and the structures that can answer it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ensemble.index.passing import Passing


@dataclass(frozen=True)
class Hits:
    """What one query found, best first; ties by slot, lower first.

    Args:
        slots: ``(found,)`` int64.
        scores: ``(found,)`` float32, descending.
    """

    slots: NDArray[np.int64]
    scores: NDArray[np.float32]


class Engine(Protocol):
    """Finds the rows of highest inner product among the slots that may be found.

    Which slots are valid it never asks: ``Passing`` says it. Every engine is tested against ``ExactEngine``.
    """

    def search(self, queries: NDArray[np.float32], counts: Sequence[int], passing: Sequence[Passing]) -> list[Hits]:
        """Search a batch; several threads may do so at once.

        Args:
            queries: ``(batch, row_dim)`` float32.
            counts: How many hits each query wants; one whose ``passing`` holds fewer gets those.
            passing: For each query the slots that may be found.
        """
        ...

    def added(self, first: int) -> None:
        """Learn the rows from ``first`` on, before any ``Passing`` holds their slots. No search runs meanwhile."""
        ...
