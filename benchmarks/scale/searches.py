"""Measures how the CPU engine's time spreads over queries: means and medians do not tell how long the slowest wait."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.retrieval.shop import PASS_RATES, Shop
from benchmarks.retrieval.systems.tandem import Tandem

PERCENTILES = (0, 10, 25, 50, 75, 90, 95, 99, 99.5, 100)
ROUNDS = 3


def search_figures(shop: Shop, folder: Path) -> dict[str, Any]:
    """Build a shop's snapshot in ``folder`` and search it with its queries, one at a time.

    Returns:
        How many products, bytes of a product in the engine's own files, and for each pass rate the percentiles of
        milliseconds.
    """
    engine = Tandem(shop, folder)
    engine.prepare()
    engine.build()
    engine.open()
    engine.touch()
    lists = sum(file.stat().st_size for file in folder.glob("ann*")) / len(shop)
    return {
        "products": len(shop),
        "bytes_of_lists": round(lists, 1),
        "ms": {str(rate): _percentiles(engine, rate) for rate in PASS_RATES},
    }


def _percentiles(engine: Tandem, rate: float) -> dict[str, float]:
    search = engine.search(rate, 0)
    taken = np.empty((ROUNDS, len(engine.shop.queries)))
    for round_ in taken:
        for number, query in enumerate(engine.shop.queries):
            start = time.perf_counter()
            search(query)
            round_[number] = time.perf_counter() - start
    each = 1e3 * np.median(taken, axis=0)
    return {f"{point:g}": round(float(np.percentile(each, point)), 4) for point in PERCENTILES}
