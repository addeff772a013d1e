"""Our engine, as a server uses it: an index opened from a snapshot, filters as JSON."""

from __future__ import annotations

import importlib
import itertools
import json

import numpy as np

from benchmarks.retrieval.shop import Floats, K, Numbers, top_lot
from benchmarks.retrieval.systems.base import Search, System
from ensemble.index import Index, IndexBuilder
from ensemble.index.choice import EngineChoice
from ensemble.settings import SpaceSettings

SPACE = SpaceSettings("benchmark", 384, 0)
PRODUCTS_AT_ONCE = 20_000


class Tandem(System):
    """The living index with the CPU engine."""

    name = "tandem"
    index: Index

    def load_libraries(self) -> None:
        """See ``System.load_libraries``."""
        importlib.import_module("ensemble.index.ann")

    def prepare(self) -> None:
        """Make the products."""
        self.shop.products  # noqa: B018 - kept by the shop

    def build(self) -> None:
        """Write a snapshot, products and all, as ``export`` and ``deploy keep`` do."""
        builder, count = IndexBuilder(SPACE), len(self.shop)
        for first in range(0, count, PRODUCTS_AT_ONCE):
            part = slice(first, first + PRODUCTS_AT_ONCE)
            builder.add(self.shop.products[part], self.shop.rows[part].astype(np.float32))
        builder.save(self.folder)

    def open(self) -> None:
        """See ``System.open``."""
        self.index = Index.open(self.folder, engine=EngineChoice("ann"))

    def search(self, rate: float, setting: int) -> Search:
        """The filter is compiled once and its mask kept, as for a shop's own pages."""
        text = b"" if rate == 1.0 else filter_of(rate)
        return lambda query: self._find(query, text)

    def search_with_new_filters(self, rate: float) -> Search:
        """Every query comes with a filter of the rate that was never asked before."""
        width, starts = top_lot(rate), itertools.cycle(range(999 - top_lot(rate)))
        fractions = itertools.count(1)

        def find(query: Floats) -> Numbers:
            low = next(starts) + next(fractions) * 1e-7
            return self._find(query, json.dumps({"range": ["lot", low, low + width]}).encode())

        return find

    def touch(self) -> None:
        """See ``System.touch``."""
        self.index.slots.base.view(np.uint16).sum(dtype=np.int64)

    def _find(self, query: Floats, text: bytes) -> Numbers:
        return self.index.search(query[None], [K], [text])[0].slots


def filter_of(rate: float) -> bytes:
    """The JSON filter that the benchmark's products pass at a rate."""
    lot = top_lot(rate)
    return json.dumps({"range": ["lot", 0, lot]} if lot else {"eq": ["lot", 0]}).encode()
