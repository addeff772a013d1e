"""Contrastive losses. All vectors have length 1; all losses are means over the batch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def bank_loss(vectors: Tensor, bank: Tensor, targets: Tensor, scale: Tensor) -> Tensor:
    """Cross entropy of each vector against *all* texts of the shop.

    With the text tower locked (LiT, Zhai et al., 2022, arXiv:2111.07991) the text vectors are constants, so every title
    can be a negative at the cost of one matrix product instead of those of the batch alone.

    Args:
        vectors: (batch, dim).
        bank: (texts, dim).
        targets: (batch,) which text belongs to each vector.
        scale: inverse temperature.
    """
    return functional.cross_entropy(scale * vectors @ bank.T, targets)


def pair_loss(left: Tensor, right: Tensor, scale: Tensor) -> Tensor:
    """Symmetric InfoNCE (van den Oord et al., 2018, arXiv:1807.03748; CLIP, arXiv:2103.00020) of row-wise pairs.

    Args:
        left: (batch, dim).
        right: (batch, dim); row i belongs to row i of ``left``, every other row is a negative.
        scale: inverse temperature.
    """
    logits = scale * left @ right.T
    targets = torch.arange(len(left), device=left.device)
    return (functional.cross_entropy(logits, targets) + functional.cross_entropy(logits.T, targets)) / 2


def recall_at(queries: Tensor, rows: Tensor, targets: Tensor, cutoffs: tuple[int, ...]) -> dict[int, float]:
    """Return the share of queries (n, dim) whose target row of ``rows`` (m, dim) is among the best k, for each k."""
    best = (queries @ rows.T).topk(min(max(cutoffs), len(rows)), dim=1).indices
    hits = best == targets[:, None]
    return {k: hits[:, :k].any(dim=1).float().mean().item() for k in cutoffs}
