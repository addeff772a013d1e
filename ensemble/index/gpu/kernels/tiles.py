"""How the scan is cut into programs: candidates, of which the fastest is found where it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RowType = Literal["float16", "int8"]

ROW_TYPES: tuple[RowType, ...] = ("float16", "int8")
# Batches are filled up to the next of these.
BATCHES = (16, 32, 64, 128, 256)
MOST_QUERIES = BATCHES[-1]
# Rows on the device end in zeros up to a multiple of this.
ROW_MULTIPLE = 32


@dataclass(frozen=True)
class Tile:
    """The share of one program.

    Args:
        rows: Rows, a power of two from 64 to 256.
        queries: Queries, a power of two of at least 16.
        chunk: Values of a row that are multiplied at a time, a power of two.
        warps: Groups of 32 threads.
        stages: Chunks in shared memory at a time: one is multiplied while the others come.
        halves: Numbers of half precision that a query's value is split in, multiplied side by side. With 1 the tensor
            cores have half the work, and the bound of their error is wider, so that more searches need a second round.
    """

    rows: int
    queries: int
    chunk: int
    warps: int
    stages: int
    halves: int

    def __post_init__(self) -> None:
        if self.rows not in {64, 128, 256} or self.queries not in BATCHES or self.halves not in {1, 2}:
            raise ValueError(f"no tile can be of this kind: {self}")
        if self.chunk not in {32, 64, 128, 256} or self.warps not in {4, 8} or not 1 <= self.stages <= 8:
            raise ValueError(f"no tile can be of this kind: {self}")

    def chunk_of(self, dim: int) -> int:
        """Values at a time for rows of one length, a multiple of ``ROW_MULTIPLE``: the most that divide it."""
        return min(self.chunk, dim & -dim)


# The first is taken where nothing was measured. Reading the rows takes longest up to some 64 queries: several programs
# must fit on a multiprocessor, so that it loads while others multiply. Beyond, the tensor cores decide.
_CANDIDATES: dict[tuple[RowType, int], tuple[Tile, ...]] = {
    ("float16", 16): (
        Tile(128, 16, 64, 4, 2, 2),
        Tile(128, 16, 64, 4, 3, 2),
        Tile(128, 16, 64, 4, 3, 1),
        Tile(64, 16, 128, 4, 4, 2),
    ),
    ("float16", 32): (
        Tile(128, 32, 64, 4, 3, 2),
        Tile(128, 32, 64, 4, 2, 2),
        Tile(128, 32, 64, 4, 4, 1),
    ),
    ("float16", 64): (
        Tile(128, 64, 64, 8, 3, 2),
        Tile(128, 64, 64, 8, 2, 2),
        Tile(128, 64, 64, 4, 3, 1),
    ),
    ("float16", 128): (
        Tile(128, 128, 64, 8, 3, 1),
        Tile(128, 64, 64, 8, 3, 2),
        Tile(128, 64, 64, 4, 3, 1),
    ),
    ("float16", 256): (
        Tile(128, 128, 64, 8, 3, 1),
        Tile(128, 64, 64, 8, 3, 2),
        Tile(128, 64, 64, 4, 3, 1),
    ),
    ("int8", 16): (
        Tile(128, 16, 128, 4, 4, 1),
        Tile(128, 16, 64, 4, 4, 1),
        Tile(64, 16, 128, 4, 4, 1),
    ),
    ("int8", 32): (
        Tile(128, 32, 128, 4, 4, 1),
        Tile(128, 32, 64, 4, 4, 1),
        Tile(256, 32, 64, 8, 4, 1),
    ),
    ("int8", 64): (
        Tile(128, 64, 64, 4, 3, 1),
        Tile(256, 64, 64, 8, 3, 1),
        Tile(128, 64, 64, 8, 3, 1),
    ),
    ("int8", 128): (
        Tile(128, 128, 64, 8, 3, 1),
        Tile(128, 64, 64, 4, 3, 1),
        Tile(256, 64, 64, 8, 3, 1),
    ),
    ("int8", 256): (
        Tile(128, 128, 64, 8, 3, 1),
        Tile(128, 64, 64, 4, 3, 1),
        Tile(256, 64, 64, 8, 3, 1),
    ),
}


def bucket(batch: int) -> int:
    """The size that tiles for a batch of up to ``MOST_QUERIES`` are chosen by."""
    return next(size for size in BATCHES if batch <= size)


def candidates(row_type: RowType, batch: int) -> tuple[Tile, ...]:
    """Tiles that may be the fastest for a batch; the first is good everywhere."""
    return _CANDIDATES[row_type, bucket(batch)]
