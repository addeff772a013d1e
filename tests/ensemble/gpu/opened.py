"""Small indexes on the interpreted device, and the engine that they are held to."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ensemble.index import ExactEngine, Hits, IndexBuilder, Slots, load
from ensemble.index.gpu.engine import GpuEngine
from ensemble.index.gpu.terms import GpuTerms
from ensemble.index.preparing import prepare
from ensemble.index.terms import HostTerms
from ensemble.settings import SpaceSettings
from tests.ensemble.journal_twin import Change, Changes

CPU = torch.device("cpu")
PRICES = 7
Floats = NDArray[np.float32]


def dyadic(rng: np.random.Generator, *shape: int) -> Floats:
    """Numbers whose sums of products are exact: ties are ties, in whatever order they are summed."""
    return (rng.integers(-8, 9, shape) / 8).astype(np.float32)


def indexed(rows: NDArray[Any], base: int) -> Slots:
    """Products of ``PRICES`` different prices, the first ``base`` of them mapped from a snapshot."""
    builder = IndexBuilder(SpaceSettings("space-a", rows.shape[1] // 2, rows.shape[1] - rows.shape[1] // 2))
    builder.add([{"id": f"P{n}", "price": n % PRICES} for n in range(base)], np.asarray(rows[:base], np.float32))
    if not base:
        slots = builder.build()
    else:
        with tempfile.TemporaryDirectory() as folder:
            builder.save(Path(folder))
            slots = load(Path(folder))
    append(slots, rows[base:])
    return slots


def append(slots: Slots, rows: NDArray[Any]) -> None:
    """More products, as an index appends them; the engine and the terms are still to be told."""
    numbers = range(len(slots), len(slots) + len(rows))
    documents = [f'{{"id": "P{n}", "price": {n % PRICES}}}'.encode() for n in numbers]
    ids = [f"P{n}" for n in numbers]
    made = [Change(*one) for one in zip(ids, documents, rows.astype(np.float16), strict=True)]
    slots.flip(prepare(slots, Changes(slots.seq + 1, made)))


def open_gpu(slots: Slots, **options: Any) -> tuple[GpuEngine, GpuTerms]:
    terms = GpuTerms(slots, CPU)
    return GpuEngine(slots, terms, device=CPU, **options), terms


def check(
    pair: tuple[GpuEngine, GpuTerms],
    slots: Slots,
    queries: Any,
    counts: Sequence[int],
    filters: Sequence[bytes] | None = None,
    ranks: Sequence[bytes] | None = None,
) -> list[Hits]:
    """Search, and hold the answers to those of ``ExactEngine``."""
    engine, terms = pair
    texts, scores = filters or [b""] * len(counts), ranks or [b""] * len(counts)
    found = engine.search(
        queries, counts, [terms.passing(text) for text in texts], [terms.boost(one) for one in scores]
    )
    host, array = HostTerms(slots), np.asarray(queries, np.float32)
    passing, boosts = [host.passing(text) for text in texts], [host.boost(one) for one in scores]
    right = ExactEngine(slots).search(array, counts, passing, boosts)
    assert [hits.slots.tolist() for hits in found] == [hits.slots.tolist() for hits in right]
    for hits, true in zip(found, right, strict=True):
        assert hits.slots.dtype == np.int64
        assert hits.scores.dtype == np.float32
        np.testing.assert_allclose(hits.scores, true.scores, rtol=1e-6, atol=1e-6)
    return found
