"""How far a stream has been looked through: its candidates' vectors, and which may still be picked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ensemble.tasks.stream import Stream
from ensemble.tasks.view import View

Floats = NDArray[np.float32]


class Looked:
    """Gives the candidates of a stream in the order in which they are to be picked.

    Args:
        stream: May be widened meanwhile: its candidates so far stay.
        view: The state of the index.
        diversity: Weight of being unlike what was picked before, 0 to 1.
        compared: Whether vectors are needed for more than that.
    """

    def __init__(self, stream: Stream, view: View, diversity: float, *, compared: bool) -> None:
        self.stream, self._view = stream, view
        self._diversity = np.float32(diversity if stream.ranked else 0)
        self._compared = compared or diversity > 0
        self.slots: list[int] = []
        self.vectors: Floats = np.empty((0, view.state.slots.row_dim), np.float32)
        self._open = np.empty(0, np.bool_)
        self._likest = np.empty(0, np.float32)
        self._picks, self._first = 0, 0

    def candidates(self, picked: Floats) -> Iterator[int]:
        """Places of the candidates that are open, the best first; one that is given is closed.

        With diversity ``d`` the best is the one of the largest ``(1 - d) * score - d * s``, where ``s`` is the largest
        cosine with a product that was picked: maximal marginal relevance (J. Carbonell and J. Goldstein, "The use of
        MMR, diversity-based reranking for reordering documents and producing summaries", SIGIR 1998).

        Args:
            picked: ``(picks, dim)``, the vectors of all that was picked so far.
        """
        self._look()
        if not self._diversity:
            while self._first < len(self.slots):
                self._first += 1
                yield self._first - 1
            return
        values = self._relevance(picked)
        while self._open.any():
            place = int(np.argmax(np.where(self._open, values, -np.inf)))
            self._open[place] = False
            yield place

    def _look(self) -> None:
        if len(self.stream) == len(self.slots):
            return
        new = self.stream.slots[len(self.slots) :]
        self.slots.extend(new.tolist())
        if self._compared:
            vectors = self._view.vectors(new)
            self.vectors = np.concatenate([self.vectors, vectors]) if len(self.vectors) else vectors
        if not self._diversity:
            return
        self._open = np.concatenate([self._open, np.ones(len(new), np.bool_)])
        self._likest, self._picks = np.full(len(self.slots), -np.inf, np.float32), 0

    def _relevance(self, picked: Floats) -> Floats:
        values: Floats = (1 - self._diversity) * self.stream.scores
        if not len(picked):
            return values
        for vector in picked[self._picks :]:
            self._likest = np.maximum(self._likest, self.vectors @ vector)
        self._picks = len(picked)
        values -= self._diversity * self._likest
        return values
