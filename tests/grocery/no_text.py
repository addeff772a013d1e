"""A text tower for tests that search by photos alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests import tiny

SPECIAL_TOKENS = 4


class Words(nn.Module):
    """One random vector a token, pooled by the graph."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(SPECIAL_TOKENS + len(tiny.WORDS), 4)

    def forward(self, input_ids: Tensor, mask: Tensor) -> Tensor:
        """``(batch, sequence, 4)``."""
        states: Tensor = self.table(input_ids)
        return states


def tower() -> nn.Module:
    """Made anew with the same numbers."""
    torch.manual_seed(8)
    return Words()
