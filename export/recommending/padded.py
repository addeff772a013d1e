"""A product tower's graph as it serves: in runs of one size, so that no answer depends on its batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ensemble.product_tower import ROWS_A_RUN
from ensemble.towers import Tower, Vectors
from export.gate.preparation import Feed


class PaddedTower:
    """The same surface as ``ensemble.towers.Tower``.

    Args:
        graph: The ONNX file.
        threads: Of a run.
    """

    def __init__(self, graph: Path, threads: int) -> None:
        self._tower = Tower(graph, threads=threads)

    def encode(self, inputs: Feed) -> Vectors:
        """Vectors ``(batch, dim)`` of a batch of features, by tensor name."""
        batch = len(next(iter(inputs.values())))
        runs = (slice(start, start + ROWS_A_RUN) for start in range(0, batch, ROWS_A_RUN))
        return np.concatenate([self._run({name: tensor[run] for name, tensor in inputs.items()}) for run in runs])

    def _run(self, inputs: Feed) -> Vectors:
        batch = len(next(iter(inputs.values())))
        filled = {name: np.pad(tensor, ((0, ROWS_A_RUN - batch), (0, 0))) for name, tensor in inputs.items()}
        return self._tower.encode(filled)[:batch]
