"""A small CNN-Transformer hybrid vision tower.

Convolutions see edges, colours and patterns while the picture is large; once it is small, transformer blocks relate
its places to each other, and attention pooling gathers them into one vector. The order is that of CoAtNet (Dai et al.,
2021, arXiv:2106.04803) and of the convolutional stem of Xiao et al. (2021, arXiv:2106.14881); attention pooling as in
CLIP (Radford et al., 2021, arXiv:2103.00020).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class HybridConfig:
    """Sizes of the tower.

    Attributes:
        image_size: side of the input, pixels; a multiple of 16.
        widths: channels of the three convolution stages at 1/4, 1/8 and 1/16 of the input's side.
        depths: residual blocks in each stage.
        heads: attention heads; divides the last width.
        layers: transformer blocks.
        expansion: width of a block's hidden layer against the block's own.
        dim: length of the vector that comes out.
    """

    image_size: int = 96
    widths: tuple[int, int, int] = (48, 96, 192)
    depths: tuple[int, int, int] = (1, 1, 0)
    heads: int = 6
    layers: int = 2
    expansion: int = 3
    dim: int = 384

    def __post_init__(self) -> None:
        if self.image_size % 16:
            raise ValueError(f"image_size: got {self.image_size}, must be a multiple of 16")
        if self.widths[-1] % self.heads:
            raise ValueError(f"heads: got {self.heads}, must divide the last width {self.widths[-1]}")


class ConvNorm(nn.Sequential):
    """Convolution, batch norm and, unless ``linear``, ReLU."""

    def __init__(self, width_in: int, width: int, *, kernel: int = 3, stride: int = 1, linear: bool = False) -> None:
        layers = [nn.Conv2d(width_in, width, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(width)]
        super().__init__(*layers, nn.Identity() if linear else nn.ReLU())


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut (He et al., 2016, arXiv:1512.03385)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(ConvNorm(width, width), ConvNorm(width, width, linear=True))

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, width, h, w) to the same shape."""
        return functional.relu(x + self.body(x))


class Attention(nn.Module):
    """Multi-head attention; the queries may be others than the tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, query: Tensor, tokens: Tensor) -> Tensor:
        """Map queries (batch, q, width) over tokens (batch, n, width) to (batch, q, width)."""
        batch, _count, width = tokens.shape
        shape = (batch, -1, self.heads, width // self.heads)
        key, value = self.key_value(tokens).chunk(2, dim=-1)
        q, k, v = (t.reshape(shape).transpose(1, 2) for t in (self.query(query), key, value))
        mixed = functional.scaled_dot_product_attention(q, k, v)
        attended: Tensor = self.out(mixed.transpose(1, 2).reshape(batch, -1, width))
        return attended


class TransformerBlock(nn.Module):
    """Pre-norm attention and a two-layer network, each with a shortcut."""

    def __init__(self, width: int, heads: int, expansion: int) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, width * expansion), nn.GELU(), nn.Linear(width * expansion, width))

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, tokens, width) to the same shape."""
        normed = self.norm_attention(x)
        x = x + self.attention(normed, normed)
        out: Tensor = x + self.mlp(self.norm_mlp(x))
        return out


def _convolutions(config: HybridConfig) -> nn.Sequential:
    layers: list[nn.Module] = []
    before = 3
    for width, depth in zip(config.widths, config.depths, strict=True):
        layers.append(ConvNorm(before, width, kernel=7, stride=4) if before == 3 else ConvNorm(before, width, stride=2))
        layers.extend(ResidualBlock(width) for _ in range(depth))
        before = width
    return nn.Sequential(*layers)


class HybridTower(nn.Module):
    """Picture to vector: (batch, 3, H, W) float, scaled to 0..1 and normalised, to (batch, dim) of length 1."""

    def __init__(self, config: HybridConfig | None = None) -> None:
        super().__init__()
        self.config = config or HybridConfig()
        width = self.config.widths[-1]
        self.convolutions = _convolutions(self.config)
        tokens = (self.config.image_size // 16) ** 2
        self.positions = nn.Parameter(torch.randn(1, tokens, width) * 0.02)
        blocks = [TransformerBlock(width, self.config.heads, self.config.expansion) for _ in range(self.config.layers)]
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(width)
        self.pool_query = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.pool = Attention(width, self.config.heads)
        self.projection = nn.Linear(width, self.config.dim)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed pictures.

        Args:
            pixels: (batch, 3, image_size, image_size) float, normalised.

        Returns:
            (batch, dim) vectors of length 1.
        """
        tokens = self.convolutions(pixels).flatten(2).transpose(1, 2) + self.positions
        tokens = self.norm(self.blocks(tokens))
        query = self.pool_query.expand(tokens.shape[0], -1, -1)
        pooled = self.pool(query, tokens)[:, 0] + tokens.mean(dim=1)
        return functional.normalize(self.projection(pooled), dim=-1)
