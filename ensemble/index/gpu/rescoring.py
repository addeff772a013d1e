"""The second pass: exact scores of the places in some bins, in order."""

from __future__ import annotations

import torch

from ensemble.index.gpu.batch import LAUNCH, Batch
from ensemble.index.gpu.kernels.rescore import rescore as rescore_kernel
from ensemble.index.gpu.kernels.scan import BIN
from ensemble.index.gpu.kernels.tiles import ROW_MULTIPLE
from ensemble.index.gpu.rows import DeviceRows

# Scores at a time: 8 bytes each, and as much again some times over while they are sorted.
SCORES_AT_ONCE = 16 * 1024 * 1024


def best(rows: DeviceRows, batch: Batch, bins: torch.Tensor, most: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The best places of some bins, by their exact scores; ties by place, lower first.

    Args:
        rows: The index.
        batch: The queries.
        bins: ``(batch, bins)`` int64, ascending.
        most: How many places are wanted.

    Returns:
        ``(batch, found)`` float64 scores, descending, -inf where no more places pass; and int64 places.
    """
    at_once = max(1, SCORES_AT_ONCE // (BIN * len(batch)))
    found = [_best(rows, batch, part, most) for part in torch.split(bins, at_once, dim=1)]
    if len(found) == 1:
        return found[0]
    scores, places = (torch.cat(one, dim=1) for one in zip(*found, strict=True))
    # What was found in an earlier part lies at lower places: a stable order keeps it before its equals.
    scores, order = scores.sort(dim=1, descending=True, stable=True)
    return scores[:, :most], places.gather(1, order[:, :most])


def _best(rows: DeviceRows, batch: Batch, bins: torch.Tensor, most: int) -> tuple[torch.Tensor, torch.Tensor]:
    scores, order = rescored(rows, batch, bins).sort(dim=1, descending=True, stable=True)
    order = order[:, :most]
    return scores[:, :most], bins.gather(1, order // BIN) * BIN + order % BIN


def rescored(rows: DeviceRows, batch: Batch, bins: torch.Tensor) -> torch.Tensor:
    """``(batch, bins * BIN)`` float64: exact scores of all places of some bins; -inf where one does not pass."""
    bins = bins.contiguous()
    words, values = batch.selected.words, None if batch.boosted is None else batch.boosted.values
    scores = torch.empty((len(bins), bins.shape[1] * BIN), dtype=torch.float64, device=bins.device)
    rescore_kernel[(bins.shape[1], len(bins))](
        rows.base.exact,
        rows.tail.exact,
        batch.queries,
        bins,
        words,
        batch.selected.which,
        batch.queries if values is None else values,
        batch.selected.which if batch.boosted is None else batch.boosted.which,
        scores,
        rows.places.start // BIN,
        bins.stride(0),
        batch.queries.shape[1],
        words.shape[1],
        words.stride(0),
        0 if values is None else values.shape[1],
        0 if values is None else values.stride(0),
        scores.stride(0),
        DIM=rows.dim,
        CHUNK=ROW_MULTIPLE,
        BOOST=values is not None,
        **LAUNCH,
    )
    return scores
