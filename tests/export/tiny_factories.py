"""Factories that ``towers.toml`` names in tests."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.export.conftest import VOCABULARY


class Words(nn.Module):
    """Sum of word vectors; pools by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(VOCABULARY, 6)
        self.dropout = nn.Dropout(0.5)

    def forward(self, input_ids: Tensor, mask: Tensor) -> Tensor:
        kept = self.table(input_ids) * mask[:, :, None].to(torch.float32)
        summed: Tensor = self.dropout(kept).sum(dim=1)
        return summed


def words() -> nn.Module:
    torch.manual_seed(3)
    return Words()


def colours_in_double() -> nn.Module:
    torch.manual_seed(4)
    return nn.Sequential(nn.Conv2d(3, 5, 4, stride=4), nn.GELU(), nn.AdaptiveAvgPool2d(1)).double()


class Maps(nn.Module):
    """Mean and largest colour of 4 x 4 places, as a map."""

    def forward(self, pixels: Tensor) -> Tensor:
        return torch.cat([nn.functional.avg_pool2d(pixels, 4), nn.functional.max_pool2d(pixels, 4)], dim=1)


def mean_and_top_maps() -> nn.Module:
    return Maps()


def not_a_module() -> int:
    return 3


def failing() -> nn.Module:
    raise RuntimeError("no weights today")
