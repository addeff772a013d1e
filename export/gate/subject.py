"""A candidate while it is measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from ensemble.towers import Tower, Vectors
from export.gate.preparation import Feed
from export.precision.candidates import Candidate
from export.reference import Floats


class Encoder(Protocol):
    """What runs a graph or an engine."""

    def encode(self, inputs: Feed) -> Vectors:
        """Vectors ``(batch, dim)`` of a batch of inputs, by tensor name."""
        ...


# An encoder of a graph, with so many threads.
Open = Callable[[Path, int], Encoder]


def open_tower(graph: Path, threads: int) -> Encoder:
    """ONNX Runtime on the CPU, as served."""
    return Tower(graph, threads=threads)


class Subject:
    """A candidate that answers with NaN from the moment it fails: one that cannot be run fails its gate, no more.

    Args:
        candidate: Whose graph is run.
        dim: Length of the reference's vectors.
        start: Makes its encoder.
        threads: Of the encoder.
    """

    def __init__(self, candidate: Candidate, dim: int, start: Open, threads: int) -> None:
        self.candidate = candidate
        self.broken = ""
        self._dim, self._start = dim, start
        self._encoder: Encoder | None = None
        self.restart(threads)

    def restart(self, threads: int) -> None:
        """Replace the encoder by one of so many threads."""
        self._encoder = None
        if self.broken:
            return
        try:
            self._encoder = self._start(self.candidate.graph, threads)
        except Exception as error:  # each runtime has classes of its own, with nothing in common
            self.broken = f"cannot be loaded: {error}"

    def encode(self, feed: Feed) -> Floats:
        """``(batch, dim)``."""
        rows = len(next(iter(feed.values())))
        if self._encoder is not None and not self.broken:
            try:
                vectors = self._encoder.encode(feed)
            except Exception as error:  # as above
                self.broken = f"cannot be run: {error}"
            else:
                if vectors.shape == (rows, self._dim):
                    return vectors
                self.broken = f"answers with shape {vectors.shape}, {(rows, self._dim)} is needed"
        return np.full((rows, self._dim), np.nan, np.float32)
