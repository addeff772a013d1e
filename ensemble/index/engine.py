"""The seam between retrieval and the structures that can answer it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


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
    """Finds the rows of highest score among the slots that may be found: inner product plus boost, where there is one.

    Which slots are valid it never asks: ``passing`` says it. What ``passing`` and ``boosts`` are is agreed with the
    ``Terms`` beside the engine. Every engine is tested against ``ExactEngine``.
    """

    def search(
        self, queries: Any, counts: Sequence[int], passing: Sequence[Any], boosts: Sequence[Any] | None = None
    ) -> list[Hits]:
        """Search a batch; several threads may do so at once.

        Args:
            queries: ``(batch, row_dim)`` float32; for an engine on a GPU perhaps a tensor there.
            counts: How many hits each query wants; one for which fewer slots pass gets those.
            passing: For each query the slots that may be found.
            boosts: For each query what is added to the inner products, or None for nothing; None for none at all.
        """
        ...

    def added(self, first: int) -> None:
        """Learn the rows from ``first`` on, before any ``passing`` holds their slots. No search runs meanwhile."""
        ...
