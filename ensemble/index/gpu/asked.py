"""What the queries of a batch ask for: filters and business scores, before and after they meet the device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ensemble.index.filter import Filter
from ensemble.index.masks import ENTRY_BYTES
from ensemble.index.rank import Rank
from ensemble.index.rank_reading import MAX_NODES

# What a node of an expression takes at most.
NODE_BYTES = 512


@dataclass(frozen=True)
class DevicePassing:
    """A filter, as ``GpuTerms`` knows it.

    Args:
        text: As it was asked.
        compiled: None for the empty one, which all valid slots pass.
    """

    text: bytes
    compiled: Filter | None

    @property
    def nbytes(self) -> int:
        """The most main memory that it takes."""
        return ENTRY_BYTES + len(self.text) + (0 if self.compiled is None else self.compiled.nbytes)


@dataclass(frozen=True)
class DeviceBoost:
    """What a business score adds, as ``GpuTerms`` knows it.

    Args:
        text: As it was asked.
        rank: The score.
    """

    text: bytes
    rank: Rank

    @property
    def nbytes(self) -> int:
        """The most main memory that it takes."""
        return ENTRY_BYTES + len(self.text) + NODE_BYTES * MAX_NODES


@dataclass(frozen=True)
class Asked:
    """Some queries of a search.

    Args:
        queries: ``(batch, row_dim)``: float32 in main memory, or floating point numbers on the device.
        counts: How many hits each wants.
        passing: A filter for each.
        boosts: A business score for each, or None.
        start: Position of the first of them in the search.
    """

    queries: torch.Tensor | NDArray[np.float32]
    counts: Sequence[int]
    passing: Sequence[DevicePassing]
    boosts: Sequence[DeviceBoost | None]
    start: int = 0

    def __post_init__(self) -> None:
        lengths = (len(self.queries), len(self.counts), len(self.passing), len(self.boosts))
        if len(set(lengths)) != 1:
            raise ValueError("{} queries, {} counts, {} filters, {} boosts".format(*lengths))

    def __len__(self) -> int:
        """How many queries."""
        return len(self.counts)

    def part(self, start: int, end: int) -> Asked:
        """Those from one position to before another."""
        at = slice(start, end)
        return Asked(self.queries[at], self.counts[at], self.passing[at], self.boosts[at], self.start + start)

    def parts(self, most: int, most_filters: int, most_boosts: int) -> Iterator[Asked]:
        """Parts of so many queries, different filters and different business scores, one of each at least."""
        start, filters, scores = 0, set[bytes](), set[bytes]()
        for at, (one, boost) in enumerate(zip(self.passing, self.boosts, strict=True)):
            filters.add(one.text)
            scores |= set() if boost is None else {boost.text}
            if at - start >= most or len(filters) > most_filters or len(scores) > most_boosts:
                yield self.part(start, at)
                start, filters, scores = at, {one.text}, set() if boost is None else {boost.text}
        if start < len(self):
            yield self.part(start, len(self))


@dataclass(frozen=True)
class Chosen:
    """Rows of device memory, and which of them each query of a batch has; until others are chosen.

    Args:
        rows: ``(rows, values)``; of one row where the batch has but one. They may lie further apart than they are long.
        which: ``(queries,)`` int32, in main memory; -1 for a query that has none.
    """

    rows: torch.Tensor
    which: NDArray[np.int32]


@dataclass(frozen=True)
class Selected:
    """Which places each query of a batch may find.

    Args:
        words: ``(rows, ceil(places / 32))`` int32: bit ``p & 31`` of word ``p >> 5`` is place ``p``. Of one row where
            all queries have the same filter. Rows may lie further apart than they are long.
        which: ``(queries,)`` int32: the row of each query.
    """

    words: torch.Tensor
    which: torch.Tensor


@dataclass(frozen=True)
class Boosted:
    """What is added to the inner products of a batch.

    Args:
        values: ``(rows, places)`` float32, all finite where they are in use. Of one row where all queries that have an
            expression have the same. Rows may lie further apart than they are long.
        which: ``(queries,)`` int32: the row of each query; -1 for one without an expression.
    """

    values: torch.Tensor
    which: torch.Tensor
