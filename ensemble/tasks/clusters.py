"""Clusters of product vectors, and which products are in each: the upper and the lower level of one index.

See the hierarchical index of the Inspirational Two Tower (arXiv:2508.03702). A product is in the cluster of its nearest
centroid, also one that came after the centroids were made.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import DamagedRelease
from ensemble.index import Slots
from ensemble.tasks.scoring import Doubles, Floats, Numbers, best_first, scorer_of

ROWS_AT_ONCE = 8_192


class Members:
    """The slots of each cluster in one index. A slot keeps its row for good: what was worked out once stays right.

    Args:
        slots: Of the index; those of its snapshot are looked at at once. They are not kept from being freed.
        centroids: ``(clusters, dim)`` unit vectors.
    """

    def __init__(self, slots: Slots, centroids: Floats) -> None:
        self._slots, self._centroids = weakref.ref(slots), centroids
        nearest = self._nearest(slots, 0, len(slots.base))
        self._order = np.argsort(nearest, kind="stable")
        self._bounds = np.searchsorted(nearest[self._order], np.arange(len(centroids) + 1))
        self._late = np.empty(0, np.int32)
        self._growing = threading.Lock()
        self.scorer = scorer_of(slots)

    @property
    def slots(self) -> Slots | None:
        """Of the index; None once nobody uses it any more."""
        return self._slots()

    def of(self, slots: Slots, cluster: int) -> Numbers:
        """The slots of a cluster, ascending; dead ones among them."""
        with self._growing:
            known, count = len(slots.base) + len(self._late), len(slots.valid)  # rows without a flag are not seen yet
            if known < count:
                self._late = np.concatenate([self._late, self._nearest(slots, known, count)])
            late = self._late
        listed = self._order[self._bounds[cluster] : self._bounds[cluster + 1]]
        if not len(late):
            return listed
        return np.concatenate([listed, len(slots.base) + np.flatnonzero(late == cluster)])

    def _nearest(self, slots: Slots, first: int, last: int) -> NDArray[np.int32]:
        nearest = np.empty(last - first, np.int32)
        for start in range(first, last, ROWS_AT_ONCE):
            numbers = np.arange(start, min(start + ROWS_AT_ONCE, last))
            rows = slots.rows(numbers).astype(np.float32)
            nearest[numbers - first] = np.argmax(rows @ self._centroids.T, axis=1)
        return nearest


class Clusters:
    """The clusters of a release.

    Args:
        centroids: ``(clusters, dim)`` unit vectors.
    """

    def __init__(self, centroids: Floats) -> None:
        self.centroids = centroids
        self._known: tuple[Members, ...] = ()
        self._building = threading.Lock()

    @classmethod
    def load(cls, path: Path, dim: int) -> Clusters | None:
        """Read ``clusters.npy``; None where there is no such file.

        Raises:
            DamagedRelease: It cannot be used; names it.
        """
        if not path.is_file():
            return None
        try:
            centroids = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise DamagedRelease(f"{path}: cannot be read: {error}") from error
        if centroids.ndim != 2 or centroids.shape[1] != dim or not len(centroids):
            raise DamagedRelease(f"{path}: shape {centroids.shape}; (clusters, {dim}) is needed")
        if not np.isfinite(centroids).all():
            raise DamagedRelease(f"{path}: holds a value that is not finite")
        return cls(centroids.astype(np.float32))

    def nearest(self, vectors: Sequence[Floats], skip: int, count: int) -> list[list[int]]:
        """Of each vector the ``count`` clusters nearest to it, without the ``skip`` nearest."""
        scores = np.stack(vectors) @ self.centroids.T
        return [best_first(of_one, skip + count)[skip:].tolist() for of_one in scores]

    def prepare(self, slots: Slots) -> None:
        """Look at all products of an index: some seconds for a large one, and nothing where it was done before.

        A newer index can be prepared while requests are answered from the one before it.
        """
        self._of(slots)

    def members(self, slots: Slots, cluster: int) -> Numbers:
        """The slots of a cluster, ascending; dead ones among them."""
        return self._of(slots).of(slots, cluster)

    def scores(self, slots: Slots, numbers: Numbers, query: Floats) -> Doubles:
        """``(numbers,)``: the inner products of some slots with a query; equal rows have equal ones.

        Args:
            slots: Of the index.
            numbers: Which of them.
            query: ``(dim,)`` float32.
        """
        return self._of(slots).scorer(slots, numbers, query)

    def _of(self, slots: Slots) -> Members:
        known = self._find(slots)
        if known is None:
            with self._building:
                known = self._find(slots)
                if known is None:
                    known = Members(slots, self.centroids)
                    self._known = (*(one for one in self._known if one.slots is not None), known)
        return known

    def _find(self, slots: Slots) -> Members | None:
        return next((one for one in self._known if one.slots is slots), None)
