"""Measures what no GPU takes off the host: bytes of a product in a snapshot, and the Python of ``retrieve``."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.found import Found, rectangle
from ensemble.index import Hits, Index, IndexBuilder, Still
from ensemble.retrieval import Retrieval
from ensemble.settings import SpaceSettings
from sample.products import shop

DIM = 384
PRODUCTS = 20_000
K = 10
BATCHES = (1, 8, 64)
PASSES, ROUNDS = 10, 40
# How the files of a snapshot begin, by what they hold.
PARTS = {"rows": "vectors", "documents": "document", "ids": "ids_", "columns": "column_"}
SPACE = SpaceSettings("benchmark", DIM, 0)
FILTER = b'{"range": ["price", 5, 50]}'


@dataclass(frozen=True)
class Ready:
    """An engine whose answers are there before they are asked for: what is timed is all that is not the search.

    Args:
        slots: ``(answers, k)`` int64; one answer after another is given.
    """

    slots: NDArray[np.int64]

    def search(
        self, queries: Any, counts: Sequence[int], passing: Sequence[Any], boosts: Sequence[Any] | None = None
    ) -> list[Hits]:
        """The next answers, shortened to what is wanted."""
        scores = np.linspace(1, 0, self.slots.shape[1], dtype=np.float32)
        return [
            Hits(self.slots[number % len(self.slots)][:count], scores[:count]) for number, count in enumerate(counts)
        ]

    def added(self, first: int) -> None:
        """There is nothing to learn."""


def host_figures(folder: Path, products: int = PRODUCTS, *, passes: int = PASSES) -> dict[str, Any]:
    """Build a snapshot of the sample's products in ``folder`` and measure it.

    Args:
        folder: For the snapshot.
        products: How many.
        passes: Times are the least of so many medians.

    Returns:
        Bytes of a product by part, how many columns it has, and milliseconds of ``retrieve`` by batch.
    """
    builder, rng = IndexBuilder(SPACE), np.random.default_rng(0)
    rows = rng.normal(size=(products, DIM)).astype(np.float32)
    builder.add([_document(one.row()) for one in shop(products, 0)], rows / np.linalg.norm(rows, axis=1, keepdims=True))
    builder.save(folder)
    slots = Index.open(folder).slots
    retrieval = Retrieval(Still(Index(slots, Ready(rng.integers(products, size=(997, K))))), SPACE)
    return {
        "products": products,
        "columns": len(slots.stored),
        "bytes_a_product": bytes_a_product(folder, products),
        "retrieve_ms": {str(batch): _retrieve_ms(retrieval, batch, passes) for batch in BATCHES},
    }


def bytes_a_product(folder: Path, products: int) -> dict[str, float]:
    """Bytes of a product on disk, by what they hold."""
    sizes = {file.name: file.stat().st_size for file in folder.iterdir()}
    return {
        part: round(sum(size for name, size in sizes.items() if name.startswith(start)) / products, 1)
        for part, start in PARTS.items()
    }


def _document(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"category": "/".join(row["category"])}


def _retrieve_ms(retrieval: Retrieval, batch: int, passes: int) -> float:
    """From the tensors of a batch of requests to those of their answers, without the search itself."""
    rng = np.random.default_rng(batch)
    vectors = rng.normal(size=(batch, 1, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    requests = [
        {"TEXT_VECTOR": vector, "K": np.array([[K]], np.int32), "FILTER": np.array([[FILTER]], object)}
        for vector in vectors
    ]

    def answer() -> None:
        for found in retrieval.answer(requests):
            if not isinstance(found, Found):
                raise found
            rectangle(found)

    return round(_quiet_ms(answer, passes), 4)


def _quiet_ms(work: Callable[[], None], passes: int) -> float:
    """The lowest of the passes' medians: other work on the machine only adds."""
    return 1e3 * min(median(_taken_s(work) for _ in range(ROUNDS)) for _ in range(passes))


def _taken_s(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
