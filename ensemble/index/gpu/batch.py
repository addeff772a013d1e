"""A batch of queries on the device."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import triton

from ensemble.index.gpu.asked import Boosted, Selected
from ensemble.index.gpu.bound import gamma
from ensemble.index.gpu.kernels.prepare import prepare
from ensemble.index.gpu.kernels.tiles import Tile
from ensemble.index.gpu.quantizing import SPREAD
from ensemble.index.gpu.rows import DeviceRows
from ensemble.query import MAX_NORM

# A million times what a vector may have: room for its weight, and for that of the similarity in a business score.
LONGEST = 1e6 * MAX_NORM
LAUNCH = {"num_warps": 4, "enable_fp_fusion": True}


@dataclass(frozen=True)
class Batch:
    """What a batch asks.

    Args:
        queries: ``(batch, row_dim)`` float32, contiguous.
        selected: Which places each may find.
        boosted: What is added to their inner products; None for nothing.
        is_filtered: Whether any of them has a filter, so that tiles of rows may have nothing for it.
        is_boosted_alike: Whether all of them have the first expression.
    """

    queries: torch.Tensor
    selected: Selected
    boosted: Boosted | None
    is_filtered: bool
    is_boosted_alike: bool

    def __len__(self) -> int:
        """How many queries."""
        return len(self.queries)

    def only(self, numbers: torch.Tensor) -> Batch:
        """Some of the queries."""
        selected = replace(self.selected, which=self.selected.which[numbers])
        boosted = None if self.boosted is None else replace(self.boosted, which=self.boosted.which[numbers])
        return replace(self, queries=self.queries[numbers], selected=selected, boosted=boosted)


@dataclass(frozen=True)
class Prepared:
    """The queries of a batch as the scan takes them, filled up with zeros to whole blocks.

    Args:
        halves: ``(queries, halves, dim)`` float16.
        units: ``(queries,)`` float32: what ``halves`` are multiples of.
        spreads: ``(queries,)`` float32: how far an int8 row's score is raised, over its scale.
        errors: ``(queries,)`` float32: how far a row's score in the scan may be from the true one, over its norm.
        usable: ``(queries,)`` int32: 0 where a query holds NaN or infinity, or is longer than ``LONGEST``.
    """

    halves: torch.Tensor
    units: torch.Tensor
    spreads: torch.Tensor
    errors: torch.Tensor
    usable: torch.Tensor


def prepared(batch: Batch, rows: DeviceRows, tile: Tile) -> Prepared:
    """Split queries into numbers of half precision."""
    count = -(-len(batch) // tile.queries) * tile.queries
    device = batch.queries.device
    halves = torch.empty((count, tile.halves, rows.dim), dtype=torch.float16, device=device)
    units, spreads, errors = torch.empty((3, count), device=device).unbind()
    usable = torch.empty(count, dtype=torch.int32, device=device)
    prepare[(count,)](
        batch.queries,
        halves,
        units,
        spreads,
        errors,
        usable,
        len(batch),
        batch.queries.shape[1],
        rows.dim,
        LONGEST,
        gamma(rows.dim),
        SPREAD,
        BLOCK=triton.next_power_of_2(rows.dim),
        HALVES=tile.halves,
        **LAUNCH,
    )
    return Prepared(halves, units, spreads, errors, usable)
