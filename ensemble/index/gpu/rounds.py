"""Answers with proof: what the scan proposes, what exact scores make of it, and which queries need another look.

The bins of the highest maxima are scored exactly. Every row as good as the last one wanted has a score in the scan of
at least that one's exact score less the bound of the scan's error (``bound``), and its bin a maximum of at least that.
So the answer is proven where the least of the chosen bins lies below: all bins that could hold such a row were chosen.
Other queries get a second round over all bins that could.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ensemble.index.gpu.batch import Batch, Prepared, prepared
from ensemble.index.gpu.kernels.tiles import Tile
from ensemble.index.gpu.rescoring import best
from ensemble.index.gpu.rows import DeviceRows
from ensemble.index.gpu.scan import scan

NOTHING = float("-inf")


@dataclass(frozen=True)
class Round:
    """What is known on the device after the first round.

    Args:
        scores: ``(batch, found)`` float64, descending; -inf where no more places pass.
        places: ``(batch, found)`` int64.
        maxima: ``(batch, bins)`` float32, of the scan.
        bounds: ``(batch,)`` float32: a bin of a lower maximum holds nothing that is wanted.
        proven: ``(batch,)`` bool.
        finite: ``(batch,)`` bool: whether the query holds finite numbers alone.
    """

    scores: torch.Tensor
    places: torch.Tensor
    maxima: torch.Tensor
    bounds: torch.Tensor
    proven: torch.Tensor
    finite: torch.Tensor

    def packed(self) -> torch.Tensor:
        """``(batch, 2 * found + 2)`` float64: scores, places, and the two flags, to be copied at once."""
        flags = torch.stack([self.proven, self.finite], dim=1)
        return torch.cat([self.scores, self.places.double(), flags.double()], dim=1)


def bins_for(count: int, row_type: str) -> int:
    """How many bins are scored exactly in the first round, for so many wanted."""
    return 2 * count + 32 if row_type == "int8" else count + max(8, count // 4)


def first_round(rows: DeviceRows, batch: Batch, counts: torch.Tensor, most: int, tile: Tile) -> Round:
    """Scan, and score the most promising bins.

    Args:
        rows: The index; of one place or more.
        batch: The queries.
        counts: ``(batch,)`` int64, how many places each wants.
        most: The largest of them.
        tile: How the scan is cut.
    """
    ready = prepared(batch, rows, tile)
    maxima = scan(rows, batch, ready, tile)
    size = min(maxima.shape[1], bins_for(most, rows.row_type))
    chosen, bins = maxima.topk(size, dim=1, sorted=False)
    scores, places = best(rows, batch, bins.sort(dim=1).values, most)
    bounds = _bounds(scores, counts, ready)
    least = chosen.amin(dim=1)
    proven = (least < bounds) | (least == NOTHING)
    if size == maxima.shape[1]:
        proven = torch.ones_like(proven)
    return Round(scores, places, maxima, bounds, proven, ready.finite[: len(batch)] != 0)


def second_round(
    rows: DeviceRows, batch: Batch, before: Round, numbers: torch.Tensor, most: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Score all bins that could hold what some queries want; waits for the device.

    Args:
        rows: The index.
        batch: All queries.
        before: Of the first round.
        numbers: ``(again,)`` int64: the queries.
        most: How many places are wanted.

    Returns:
        As ``best``, of these queries.
    """
    maxima = before.maxima[numbers]
    needed = int((maxima >= before.bounds[numbers, None]).sum(dim=1).max())
    bins = maxima.topk(needed, dim=1, sorted=False).indices
    return best(rows, batch.only(numbers), bins.sort(dim=1).values, most)


def _bounds(scores: torch.Tensor, counts: torch.Tensor, ready: Prepared) -> torch.Tensor:
    """What the maximum of a bin with a place as good as the last one wanted is at least, rounded down."""
    last = (counts - 1).clamp(min=0, max=scores.shape[1] - 1)
    worst = scores.gather(1, last[:, None])[:, 0]
    worst = torch.where(counts > scores.shape[1], NOTHING, worst) - ready.errors[: len(scores)]
    nearest = worst.float()
    return torch.nextafter(nearest, torch.full_like(nearest, NOTHING))
