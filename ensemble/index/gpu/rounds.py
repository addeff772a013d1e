"""Answers with proof: what the scan proposes, what exact scores make of it, and which queries need another look.

The bins of the highest maxima are scored exactly. The scan raises each score by the most that it may err by
(``bound``), so that a bin with a row as good as the last one wanted has a maximum of at least that one's exact score.
The answer is proven where the least of the chosen bins lies below: all bins that could hold such a row were chosen.
Other queries get a second round over all bins that could.

For rows of float16 this is a proof. The margin of int8 rows holds where the errors of their rounded values are
independent of each other (``quantizing``).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ensemble.index.gpu.batch import Batch, prepared
from ensemble.index.gpu.kernels.conclude import BLOCK, WARPS
from ensemble.index.gpu.kernels.conclude import conclude as conclude_kernel
from ensemble.index.gpu.kernels.tiles import Tile
from ensemble.index.gpu.rescoring import best
from ensemble.index.gpu.rows import DeviceRows
from ensemble.index.gpu.scan import scan


@dataclass(frozen=True)
class Round:
    """What is known on the device after the first round.

    Args:
        packed: ``(batch, 2 * found + 2)`` float64, to be copied at once, see ``conclude``.
        maxima: ``(batch, bins)`` float32, of the scan.
    """

    packed: torch.Tensor
    maxima: torch.Tensor


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
    return Round(_concluded(scores, places, chosen, maxima, counts, ready.usable), maxima)


def second_round(
    rows: DeviceRows, batch: Batch, before: Round, numbers: torch.Tensor, needed: int, most: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Score all bins that could hold what some queries want.

    Args:
        rows: The index.
        batch: All queries.
        before: Of the first round.
        numbers: ``(again,)`` int64: the queries.
        needed: The most bins that one of them needs.
        most: How many places are wanted.

    Returns:
        As ``best``, of these queries.
    """
    bins = before.maxima[numbers].topk(needed, dim=1, sorted=False).indices
    return best(rows, batch.only(numbers), bins.sort(dim=1).values, most)


def _concluded(
    scores: torch.Tensor,
    places: torch.Tensor,
    chosen: torch.Tensor,
    maxima: torch.Tensor,
    counts: torch.Tensor,
    usable: torch.Tensor,
) -> torch.Tensor:
    batch, found = scores.shape
    packed = torch.empty((batch, 2 * found + 2), dtype=torch.float64, device=scores.device)
    conclude_kernel[(batch,)](
        scores,
        places,
        chosen,
        maxima,
        counts,
        usable,
        packed,
        found,
        chosen.shape[1],
        maxima.shape[1],
        scores.stride(0),
        places.stride(0),
        packed.stride(0),
        BLOCK=BLOCK,
        num_warps=WARPS,
    )
    return packed
