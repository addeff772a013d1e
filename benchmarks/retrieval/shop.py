"""The shop that is searched: products with vectors, queries, filters of known pass rates, and the true answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.titles import products
from benchmarks.retrieval.vectors import FOLDER

K = 10
# Queries that engines may be built with, and as many others that they are measured with.
QUERIES = 1_000
LOTS = 1_000
PASS_RATES = (1.0, 0.5, 0.1, 0.01, 0.001)
BLOCK = 16_384

Rows = NDArray[np.float16]
Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Shop:
    """The first products of the benchmark.

    Args:
        rows: ``(products, 384)`` float16 unit vectors.
        queries: ``(1000, 384)`` float32 unit vectors, which engines are measured with.
        held_out: ``(1000, 384)`` others, which they may be built with.
        lots: ``(products,)`` int64: a number below 1,000 for each, every one as often as another.
    """

    rows: Rows
    queries: Floats
    held_out: Floats
    lots: Numbers

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def open(cls, count: int, folder: Path = FOLDER) -> Shop:
        """The first ``count`` products that were encoded.

        Raises:
            SystemExit: They were not.
        """
        base, asked = folder / "products.npy", folder / "queries.npy"
        if not base.is_file():
            raise SystemExit(f"{base} is not there: run `python -m benchmarks.retrieval.vectors` (about 35 minutes)")
        rows, queries = np.load(base, mmap_mode="r")[:count], np.load(asked)
        if len(rows) < count:
            raise SystemExit(f"{base} has {len(rows):,} products; {count:,} were asked for")
        lots = np.random.default_rng(count).permutation(count) * LOTS // count
        return cls(np.ascontiguousarray(rows), queries[:QUERIES], queries[QUERIES : 2 * QUERIES], lots)

    @cached_property
    def products(self) -> list[dict[str, Any]]:
        """The products as a catalogue has them; ``lot`` is an attribute."""
        return [
            {
                "id": f"P{number}",
                "title": one.title,
                "category": one.category,
                "price": one.price,
                "available": True,
                "attributes": {"brand": one.brand, "lot": lot},
            }
            for number, (one, lot) in enumerate(zip(products(len(self)), self.lots.tolist(), strict=True))
        ]

    def mask(self, rate: float) -> NDArray[np.bool_]:
        """``(products,)``: which ones pass the filter of a rate."""
        passing: NDArray[np.bool_] = self.lots <= top_lot(rate)
        return passing

    def truth(self, rates: tuple[float, ...] = PASS_RATES) -> Mapping[float, Numbers]:
        """For each rate ``(queries, 10)``: the products of highest inner product among those that pass, in float32."""
        best = {rate: (np.full((QUERIES, K), -np.inf, np.float32), np.zeros((QUERIES, K), np.int64)) for rate in rates}
        for first in range(0, len(self), BLOCK):
            scores = self.queries @ self.rows[first : first + BLOCK].astype(np.float32).T
            for rate in rates:
                passing = np.flatnonzero(self.mask(rate)[first : first + BLOCK])
                best[rate] = _merged(*best[rate], scores[:, passing], passing + first)
        return {rate: numbers for rate, (_, numbers) in best.items()}


def top_lot(rate: float) -> int:
    """The highest lot that passes: 999 for all, 0 for a thousandth."""
    return round(rate * LOTS) - 1


def recall(found: list[Numbers], truth: Numbers) -> float:
    """Share of the true ten that were found."""
    return float(np.mean([np.isin(true, numbers).mean() for numbers, true in zip(found, truth, strict=True)]))


def _merged(scores: Floats, numbers: Numbers, new: Floats, new_numbers: Numbers) -> tuple[Floats, Numbers]:
    all_scores = np.concatenate([scores, new], axis=1)
    all_numbers = np.concatenate([numbers, np.broadcast_to(new_numbers, new.shape)], axis=1)
    order = np.argsort(-all_scores, axis=1, kind="stable")[:, :K] if all_scores.shape[1] < 4 * K else _top(all_scores)
    return np.take_along_axis(all_scores, order, 1), np.take_along_axis(all_numbers, order, 1)


def _top(scores: Floats) -> Numbers:
    chosen = np.argpartition(-scores, K, axis=1)[:, :K]
    return np.take_along_axis(chosen, np.argsort(-np.take_along_axis(scores, chosen, 1), axis=1, kind="stable"), 1)
