"""What is looked at before rows are: lists of near rows, coded in four bits by FAISS, and how far each list spreads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from ensemble.index import files
from ensemble.index.ann.kernels import bits, score_lists
from ensemble.index.growing import Growing

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

INDEX, SPREADS, LISTS = "ann.faiss", "ann_spreads.npy", "ann_lists.npy"
# FAISS's scan of one query that keeps its results in a reservoir: twice as fast as the one that it chooses itself.
ONE_QUERY_RESERVOIR = 11
PARTS = 8


def part_starts(row_dim: int) -> Numbers:
    """Where the parts of a row begin in which spreads are kept: a query of one half is measured in that half."""
    starts: Numbers = np.unique(np.arange(PARTS) * row_dim // PARTS)
    return starts


class Structure:
    """Lists of rows around centroids.

    Args:
        index: ``IndexIVFPQFastScan`` whose ids are slots. Its quantizer assigns rows to lists, by distance; it is told
            which lists a query looks into.
        spreads: ``(lists, parts)`` float32: variance of a list's rows around its centroid, in each part of a row.
        lists: ``(slots,)`` uint16: the list of each slot.
    """

    def __init__(self, index: Any, spreads: Floats, lists: NDArray[np.uint16]) -> None:
        index.implem = ONE_QUERY_RESERVOIR
        self._index, self._spreads = index, spreads
        self._parts = part_starts(index.d)
        self._lists = Growing(lists)
        quantizer = faiss.downcast_index(index.quantizer)
        self._centroids = bits(quantizer.reconstruct_n(0, quantizer.ntotal).astype(np.float16))

    def __len__(self) -> int:
        return len(self._lists)

    @property
    def list_count(self) -> int:
        """How many lists there are."""
        return len(self._centroids)

    @property
    def lists(self) -> NDArray[np.uint16]:
        """``(slots,)``: the list of each slot."""
        return self._lists.view

    def add(self, rows: Floats) -> None:
        """Append ``(rows, row_dim)`` rows; their slots go on from those that are in."""
        lists = self._index.quantizer.assign(rows, 1)[:, 0]
        self._index.add(rows)
        self._lists.stage(lists.astype(np.uint16))
        self._lists.extend(len(rows))

    def scores(self, query: Floats) -> tuple[Floats, Floats]:
        """What a query may find in each list.

        Returns:
            ``(lists,)``: its inner product with each centroid; and ``(lists,)``: the standard deviation of its scores
            in each list, were the rows spread alike in all directions.
        """
        scores, reach = np.empty((2, len(self._centroids)), np.float32)
        score_lists(self._centroids, self._spreads, self._parts, query, scores, reach)
        return scores, reach

    def scan(self, query: Floats, lists: Numbers, count: int, selector: Any) -> Numbers:
        """``(count,)``: the slots of some lists that look best by their codes; -1 where there are no more.

        Args:
            query: ``(row_dim,)``.
            lists: Which.
            count: How many slots.
            selector: FAISS's selector of slots that may be found; None for all.
        """
        slots, looks = np.empty(count, np.int64), np.empty(count, np.float32)
        # The scores of the centroids play no part: the codes are of whole rows, not of distances from centroids.
        unused = np.empty(len(lists), np.float32)
        parameters: Any = faiss.SearchParametersIVF
        params = parameters(nprobe=len(lists), sel=selector)
        arrays = [faiss.swig_ptr(array) for array in (lists, unused, looks, slots)]
        self._index.search_preassigned_c(1, faiss.swig_ptr(query), count, *arrays, False, params)
        return slots

    def save(self, folder: Path) -> None:
        """Write the files.

        Raises:
            OSError: One cannot be written, as on a full disk, of which FAISS itself would tell otherwise or not at all.
        """
        files.write(folder / INDEX, [faiss.serialize_index(self._index).tobytes()])
        for name, array in ((SPREADS, self._spreads), (LISTS, self._lists.view)):
            files.write_array(folder / name, array.dtype, array.shape, [array])

    @classmethod
    def load(cls, folder: Path) -> Structure:
        """Read what ``save`` wrote."""
        spreads, lists = (np.load(folder / name, allow_pickle=False) for name in (SPREADS, LISTS))
        return cls(faiss.read_index(str(folder / INDEX)), spreads, lists)
