"""usearch: a graph over float16 rows. Its Python interface takes no filter, and holds the interpreter lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from usearch.index import Index

from benchmarks.retrieval.shop import Floats, K, Numbers
from benchmarks.retrieval.systems.base import Search, System

FILE = "index.usearch"


class Usearch(System):
    """16 neighbours, 128 candidates while it is built."""

    name = "usearch-f16"
    filters = False
    settings: Sequence[int] = (16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1_024)
    index: Any

    def build(self) -> None:
        """See ``System.build``."""
        index: Any = Index(ndim=self.shop.rows.shape[1], metric="ip", dtype="f16", connectivity=16, expansion_add=128)
        index.add(np.arange(len(self.shop)), self.shop.rows, threads=2)
        index.save(str(self.folder / FILE))

    def open(self) -> None:
        """See ``System.open``."""
        self.index = Index.restore(str(self.folder / FILE))

    def search(self, rate: float, setting: int) -> Search:
        """See ``System.search``."""

        def find(query: Floats) -> Numbers:
            self.index.expansion_search = setting
            return np.asarray(self.index.search(query, K, threads=1).keys, np.int64)

        return find

    def two_threads(self, rate: float, setting: int) -> Callable[[Floats], None]:
        """A batch with two threads of its own, since two of Python's would wait for each other."""

        def find(queries: Floats) -> None:
            self.index.expansion_search = setting
            self.index.search(queries, K, threads=2)

        return find
