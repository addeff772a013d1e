"""Makes the lists of an index: centroids by k-means over a sample, codes by a product quantizer, then every row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from ensemble.index.ann.structure import Floats, Structure, part_starts
from ensemble.index.ann.threads import threads

LEAST_ROWS = 64
ROWS_PER_LIST = 48
CODE_SAMPLE = 32_768
ROUNDS = 8
BATCH = 16_384
# So few numbers are too few for a code of four: see `_codes`.
SHORT_DIM = 256
GRAPH_NEIGHBOURS, GRAPH_CANDIDATES = 16, 32

Rows = NDArray[np.float16]


def list_count(rows: int) -> int:
    """How many lists: the power of two nearest to six square roots of the rows, with 16 rows a list or more."""
    return 1 << min(round(math.log2(6 * math.sqrt(rows))), int(math.log2(rows / 16)), 15)


def train(rows: Rows, seed: int) -> Structure:
    """Lists that hold every row.

    Args:
        rows: ``(slots, row_dim)`` float16.
        seed: Of the samples.

    Raises:
        ValueError: There are fewer than 64, or a value is not finite.
    """
    if len(rows) < LEAST_ROWS:
        raise ValueError(f"{len(rows)} rows; at least {LEAST_ROWS} are needed to make lists of")
    for first, batch in _batches(rows):
        bad = np.flatnonzero(~np.isfinite(batch).all(axis=1))
        if len(bad):
            raise ValueError(f"row {first + bad[0]} holds a value that is not finite")
    rng = np.random.default_rng(seed)
    sample = _sampled(rows, ROWS_PER_LIST * list_count(len(rows)), rng)
    centroids = _centroids(sample, list_count(len(rows)), seed)
    index = _index(centroids, _sampled(sample, CODE_SAMPLE, rng))
    lists = np.empty(len(rows), np.uint16)
    parts = part_starts(rows.shape[1])
    sums = np.zeros((len(centroids), len(parts)))
    for first, batch in _batches(rows):
        index.add(batch)
        near = index.quantizer.assign(batch, 1)[:, 0]
        lists[first : first + len(batch)] = near
        np.add.at(sums, near, np.add.reduceat(np.square(batch - centroids[near]), parts, axis=1))
    sizes = np.maximum(np.bincount(lists, minlength=len(centroids)), 1)
    widths = np.diff(parts, append=rows.shape[1])
    spreads = (sums / np.outer(sizes, widths)).astype(np.float32)
    return Structure(index, spreads, lists)


def _centroids(sample: Floats, count: int, seed: int) -> Floats:
    means = faiss.Kmeans(
        sample.shape[1],
        count,
        niter=ROUNDS,
        seed=seed,
        min_points_per_centroid=1,
        max_points_per_centroid=ROWS_PER_LIST,
    )
    means.train(sample)
    return np.asarray(means.centroids)


def _index(centroids: Floats, sample: Floats) -> Any:
    count, dim = centroids.shape
    # A graph finds the list of a new row six times as fast as comparing all; one thread makes it the same each time.
    quantizer = faiss.IndexHNSWFlat(dim, GRAPH_NEIGHBOURS, faiss.METRIC_L2)
    quantizer.hnsw.efSearch = GRAPH_CANDIDATES
    with threads(1):
        quantizer.add(centroids)
    index = faiss.IndexIVFPQFastScan(quantizer, dim, count, _codes(dim), 4, faiss.METRIC_INNER_PRODUCT)
    index.by_residual = False
    index.pq.cp.min_points_per_centroid = 1
    index.pq.train(sample)
    index.is_trained = True
    return index


def _codes(dim: int) -> int:
    """How many four-bit codes a row has: one for every four values, where that divides it, or two of a short row.

    With fewer codes too many rows look better than they are: of 500,000 rows of 128 numbers 1,500 had to be scored for
    the recall that 500 give with twice the codes.
    """
    widths = (4, 3, 2, 5, 1) if dim > SHORT_DIM else (2, 3, 5, 1)
    return dim // next(width for width in widths if dim % width == 0)


def _sampled(rows: NDArray[np.floating[Any]], most: int, rng: np.random.Generator) -> Floats:
    if len(rows) > most:
        rows = rows[np.sort(rng.choice(len(rows), most, replace=False))]
    return np.ascontiguousarray(rows, np.float32)


def _batches(rows: Rows) -> Iterator[tuple[int, Floats]]:
    for first in range(0, len(rows), BATCH):
        yield first, rows[first : first + BATCH].astype(np.float32)
