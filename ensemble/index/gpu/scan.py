"""The first pass: the best score in each bin of places, for each query."""

from __future__ import annotations

import torch

from ensemble.index.gpu.batch import Batch, Prepared
from ensemble.index.gpu.kernels.scan import BIN
from ensemble.index.gpu.kernels.scan import scan as scan_kernel
from ensemble.index.gpu.kernels.tiles import Tile
from ensemble.index.gpu.rows import DeviceRows, Segment


def bin_count(rows: DeviceRows) -> int:
    """How many bins the places of an index make."""
    return (rows.places.start + rows.tail_rows) // BIN


def scan(rows: DeviceRows, batch: Batch, prepared: Prepared, tile: Tile) -> torch.Tensor:
    """Look at every row that may pass, once for all queries of a block.

    Returns:
        ``(batch, bins)`` float32: no less than the best score in each bin as float32; -inf where nothing passes.
    """
    maxima = torch.empty((len(batch), bin_count(rows)), device=batch.queries.device)
    for segment, first, count in ((rows.base, 0, rows.places.start), (rows.tail, rows.places.start, rows.tail_rows)):
        if count:
            _launch(segment, first, count, batch, prepared, tile, maxima)
    return maxima


def _launch(
    segment: Segment, first: int, count: int, batch: Batch, prepared: Prepared, tile: Tile, maxima: torch.Tensor
) -> None:
    blocks = len(prepared.halves) // tile.queries
    dim = segment.scanned.shape[1]
    words, values = batch.selected.words, None if batch.boosted is None else batch.boosted.values
    scan_kernel[(count // tile.rows * blocks,)](
        segment.scanned,
        segment.scales,
        prepared.halves,
        prepared.units,
        prepared.spreads,
        prepared.errors,
        segment.reaches,
        words,
        batch.selected.which,
        prepared.units if values is None else values,
        batch.selected.which if batch.boosted is None else batch.boosted.which,
        maxima,
        len(batch),
        blocks,
        first,
        words.shape[1],
        words.stride(0),
        0 if values is None else values.shape[1],
        0 if values is None else values.stride(0),
        maxima.stride(0),
        DIM=dim,
        ROWS=tile.rows,
        QUERIES=tile.queries,
        CHUNK=tile.chunk_of(dim),
        HALVES=tile.halves,
        SCALED=segment.scanned.dtype == torch.int8,
        EACH_WORDS=len(words) > 1,
        BOOST=0 if values is None else 1 if batch.is_boosted_alike else 2,
        SKIP=batch.is_filtered,
        num_warps=tile.warps,
        num_stages=tile.stages,
        enable_fp_fusion=True,
    )
