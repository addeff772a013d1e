"""Makes an engine ready for its first search: tiles measured on its own rows, kernels compiled."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ensemble.index.gpu.asked import Boosted, DevicePassing, Selected
from ensemble.index.gpu.asking import batch_of
from ensemble.index.gpu.batch import Batch
from ensemble.index.gpu.choices import Choices, key_of
from ensemble.index.gpu.errors import DeviceLost, GpuError, KernelFailed
from ensemble.index.gpu.kernels.tiles import MOST_QUERIES, Tile, bucket, candidates
from ensemble.index.gpu.rounds import first_round
from ensemble.index.gpu.rows import DeviceRows
from ensemble.index.gpu.terms import GpuTerms

if TYPE_CHECKING:
    from ensemble.index.gpu.engine import GpuEngine

log = logging.getLogger(__name__)

TIMES = 7
# With fewer rows the scan is no large part of a search, and what was measured would be chance.
MEASURED_FROM_ROWS = 65_536
# What tiles are measured with.
COUNT = 100
# A query lies between two rows: it is like neither, and in no empty place.
SHARE = 0.5
# Queries of different filters: of these at least one is a filter.
FILTERED = ((False, False), (False, True), (True, True))


def tune(engine: GpuEngine, terms: GpuTerms, batches: Sequence[int], most_k: int, folder: Path | None) -> None:
    """Measure the candidates, or take what was measured before; sets ``engine.tiles``.

    Whole searches are measured, with the second rounds that a tile of fewer halves needs more often.

    Args:
        engine: With its rows.
        terms: Beside it.
        batches: A size for each bucket.
        most_k: The most hits that a query will want.
        folder: Where the choice is kept.
    """
    choices = Choices(folder)
    for batch in batches:
        key = key_of(engine.device, engine.rows, batch)
        tile = choices.get(key)
        if tile is None:
            tile = fastest(engine, terms, batch, min(most_k, COUNT))
            choices.put(key, tile)
        engine.tiles[bucket(batch)] = tile


def fastest(engine: GpuEngine, terms: GpuTerms, batch: int, count: int) -> Tile:
    """The candidate with which searches take the least time.

    Raises:
        KernelFailed: No candidate can be run.
        DeviceLost: One failed while it ran, and took the device with it.
    """
    queries, passing = made_up(engine.rows, engine.row_dim, batch), [terms.passing(b"")] * batch
    times: dict[Tile, float] = {}
    last: GpuError | None = None
    for tile in candidates(engine.rows.row_type, batch):
        engine.tiles[bucket(batch)] = tile
        try:
            engine.search(queries, [count] * batch, passing)
            times[tile] = statistics.median(_seconds(engine, queries, count, passing) for _ in range(TIMES))
        except (KernelFailed, DeviceLost) as error:
            if not answers(engine.device):
                raise
            last = error
            log.info("%s cannot be used here: %s", tile, error)
    if not times:
        raise KernelFailed(f"none of the tiles for {batch} queries can be run on this GPU: {last}")
    best = min(times, key=lambda tile: times[tile])
    log.info("batches of %d: %s, %.3f ms", batch, best, 1e3 * times[best])
    return best


def answers(device: torch.device) -> bool:
    """Whether a device works still: a launch that it refused left it as it was."""
    try:
        return bool(torch.ones(1, device=device).item())
    except RuntimeError:
        return False


def warm(engine: GpuEngine, terms: GpuTerms, batches: Iterable[int], most_k: int, folder: Path | None) -> None:
    """See ``GpuEngine.warm``."""
    if not engine.rows.count:
        return
    sizes = {bucket(size): size for size in sorted({min(batch, MOST_QUERIES) for batch in batches})}
    if engine.device.type == "cuda" and engine.rows.count >= MEASURED_FROM_ROWS:
        tune(engine, terms, tuple(sizes.values()), most_k, folder)
    for size in sizes.values():
        compile_all(engine, terms, size)
        queries = made_up(engine.rows, engine.row_dim, size)
        engine.search(queries, [most_k] * size, [terms.passing(b"")] * size)


def compile_all(engine: GpuEngine, terms: GpuTerms, size: int) -> None:
    """Run the kernels in each mode that a batch of some size may ask for."""
    with engine.using():
        queries = made_up(engine.rows, engine.row_dim, size)
        plain = batch_of(terms, queries, [terms.passing(b"")] * size, [None] * size)
        counts = torch.ones(size, dtype=torch.int64, device=queries.device)
        for (each_words, skip), boost in product(FILTERED, (0, 1, 2)):
            batch = _in_mode(plain, engine.rows, each_words, boost, skip)
            first_round(engine.rows, batch, counts, 1, engine.tile(size))


def made_up(rows: DeviceRows, row_dim: int, batch: int) -> torch.Tensor:
    """``(batch, row_dim)`` float32: queries that are near some rows.

    Args:
        rows: Of one row or more.
        row_dim: Length of a query.
        batch: How many.
    """
    exact = rows.base.exact if rows.places.base else rows.tail.exact
    count = rows.places.base or rows.count
    one = torch.linspace(0, count - 1, batch, device=exact.device).long()
    near = exact[one].float() + SHARE * exact[(one + count // 2) % count].float()
    return near[:, :row_dim].to(rows.base.scanned.device).contiguous()


def _in_mode(plain: Batch, rows: DeviceRows, each_words: bool, boost: int, skip: bool) -> Batch:
    which = torch.arange(len(plain), dtype=torch.int32, device=plain.queries.device) % 2
    words = plain.selected.words
    selected = Selected(words.expand(2, -1), which) if each_words else plain.selected
    values = torch.zeros(1, rows.places.count(rows.count), device=plain.queries.device)
    boosted = None if boost == 0 else Boosted(values.expand(2, -1), which)
    return replace(plain, selected=selected, boosted=boosted, is_filtered=skip, is_boosted_alike=boost == 1)


def _seconds(engine: GpuEngine, queries: torch.Tensor, count: int, passing: Sequence[DevicePassing]) -> float:
    start = time.perf_counter()
    engine.search(queries, [count] * len(queries), passing)
    return time.perf_counter() - start
