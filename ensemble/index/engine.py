"""The seam between retrieval and the structures that can answer it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ensemble.index.columns import Mask


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
    """Finds the rows of highest inner product. Every engine is tested against ``ExactEngine``."""

    def search(self, queries: NDArray[np.float32], counts: Sequence[int], masks: Sequence[Mask | None]) -> list[Hits]:
        """Search a batch.

        Args:
            queries: ``(batch, row_dim)`` float32.
            counts: How many hits each query wants; a query whose mask passes fewer gets those.
            masks: For each query the slots that may be found, or None for all valid ones.
        """
        ...
