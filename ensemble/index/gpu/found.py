"""Answers on their way back from the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ensemble.index.engine import Hits
from ensemble.index.gpu.places import Places


@dataclass(frozen=True)
class Found:
    """What a batch found, in main memory.

    Args:
        scores: ``(batch, found)`` float64, descending; -inf where no more places pass.
        places: ``(batch, found)``: whole numbers.
        usable: ``(batch,)``: whether the query holds finite numbers alone, and is not too long (``LONGEST``).
        needed: ``(batch,)``: how many bins are to be scored in a second round; 0 where the answer is proven.
    """

    scores: NDArray[np.float64]
    places: NDArray[np.float64]
    usable: NDArray[np.bool_]
    needed: NDArray[np.int64]

    @classmethod
    def of(cls, packed: torch.Tensor) -> Found:
        """From ``Round.packed``."""
        scores, places = _halves(packed[:, :-2])
        return cls(scores, places, packed[:, -2].numpy() != 0, packed[:, -1].numpy().astype(np.int64))

    def replace(self, numbers: NDArray[np.int64], packed: torch.Tensor) -> None:
        """Put other answers in the place of some queries'.

        Args:
            numbers: ``(again,)``: the queries.
            packed: ``(again, 2 * found)`` float64: scores and places.
        """
        self.scores[numbers], self.places[numbers] = _halves(packed)

    def hits(self, counts: Sequence[int], places: Places) -> list[Hits]:
        """As searches give them.

        Args:
            counts: How many each query wants.
            places: Where the slots lie.
        """
        ends = np.minimum(np.count_nonzero(self.scores > -np.inf, axis=1), counts).tolist()
        slots = places.to_slots(self.places.astype(np.int64)).astype(np.int64)
        scores = self.scores.astype(np.float32)
        return [Hits(slots[row, :end], scores[row, :end]) for row, end in enumerate(ends)]


def _halves(packed: torch.Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    scores, places = np.split(packed.numpy(), 2, axis=1)
    return scores, places
