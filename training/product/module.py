"""The product encoder: blocks of features, each normalised, joined and projected to one vector of length 1."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from ensemble.features import FeatureSettings
from training.product.shape import TowerShape


class GramBag(nn.Module):
    """The mean of the vectors of a title's pieces; 0 for a title without any."""

    def __init__(self, buckets: int, dim: int) -> None:
        super().__init__()
        self.table = nn.Embedding(buckets + 1, dim, padding_idx=0)

    def forward(self, grams: Tensor) -> Tensor:
        """(batch, pieces) ids, padded by 0, to (batch, dim)."""
        counts = (grams > 0).to(self.table.weight.dtype).sum(dim=1, keepdim=True)
        vectors: Tensor = self.table(grams).sum(dim=1) / counts.clamp(min=1)
        return vectors


class BlockDropout(nn.Module):
    """Hides whole blocks of some rows while training, so that no block is relied on where it may be unknown."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, block: Tensor) -> Tensor:
        """(batch, width), with rows set to 0 and the others scaled so that the mean stays."""
        if not self.training or self.share == 0:
            return block
        kept = torch.rand(len(block), 1, device=block.device) >= self.share
        return block * kept / (1 - self.share)


class ProductEncoder(nn.Module):
    """One vector of length 1 for a product, of its content alone; there is no id, so that a new product has one too.

    The canonical two-tower item encoder, with weights that query and target share. Each block has a LayerNorm of its
    own: blocks come with very different norms, and the largest would rule the joined vector.

    Args:
        features: how the inputs are made.
        shape: sizes.
        dropout: share of the rows whose block is hidden while training, block by block.
    """

    def __init__(self, features: FeatureSettings, shape: TowerShape, dropout: float = 0.0) -> None:
        super().__init__()
        self.features, self.shape = features, shape
        levels = features.levels if features.categories else 0
        self.text = nn.Linear(features.text_dim, shape.text, bias=False)
        self.image = nn.Linear(features.image_dim, shape.image, bias=False) if features.image_dim else None
        self.category = nn.Embedding(len(features.categories) + 1, shape.category)
        self.brand = nn.Embedding(len(features.brands) + 1, shape.brand) if features.brands else None
        self.price = nn.Linear(2, shape.price)
        self.price_bucket = nn.Embedding(features.price_buckets, shape.price)
        self.grams = GramBag(features.gram_buckets, shape.grams) if features.gram_buckets else None
        widths = [
            shape.text,
            shape.image if self.image else 0,
            shape.category * levels,
            shape.brand if self.brand else 0,
            shape.price,
            shape.grams if self.grams else 0,
        ]
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in widths if width)
        self.drop = BlockDropout(dropout)
        self.mlp = nn.Sequential(
            nn.Linear(sum(widths), shape.hidden),
            nn.ReLU(),
            nn.LayerNorm(shape.hidden),
            nn.Linear(shape.hidden, shape.dim),
        )
        self.residual = nn.Linear(features.row_dim, shape.dim, bias=False) if shape.residual else None

    def blocks(
        self, row: Tensor, category: Tensor, brand: Tensor, price: Tensor, price_bucket: Tensor, grams: Tensor
    ) -> list[Tensor]:
        """The blocks before their norms, each (batch, width)."""
        text_dim = self.features.text_dim
        found = [self.text(row[:, :text_dim])]
        if self.image is not None:
            found.append(self.image(row[:, text_dim:]))
        if self.features.categories:
            found.append(self.category(category).flatten(1))
        if self.brand is not None:
            found.append(self.brand(brand[:, 0]))
        found.append(self.price(price) + self.price_bucket(price_bucket[:, 0]))
        if self.grams is not None:
            found.append(self.grams(grams))
        return found

    def forward(
        self, row: Tensor, category: Tensor, brand: Tensor, price: Tensor, price_bucket: Tensor, grams: Tensor
    ) -> Tensor:
        """Vectors (batch, dim) of length 1; the inputs are ``ROW`` and those of ``ensemble.features.features_of``."""
        blocks = self.blocks(row, category, brand, price, price_bucket, grams)
        joined = torch.cat([self.drop(norm(block)) for norm, block in zip(self.norms, blocks, strict=True)], dim=1)
        vectors = self.mlp(joined)
        if self.residual is not None:
            vectors = vectors + self.residual(row)
        return functional.normalize(vectors, dim=1)

    @torch.no_grad()
    def start_from(self, rows: Tensor) -> None:
        """Begin where the frozen towers are: the residual is the projection of rows to their principal directions.

        Args:
            rows: (products, row_dim), of the catalogue.
        """
        if self.residual is None:
            return
        wide = rows.double()
        _, directions = torch.linalg.eigh(wide.T @ wide)
        found = directions.T.flip(0)[: self.shape.dim].to(self.residual.weight.dtype)
        self.residual.weight.zero_()
        self.residual.weight[: len(found)] = found

    @classmethod
    def load(cls, folder: Path) -> ProductEncoder:
        """The encoder of an artefact folder, in evaluation mode; see ``training.product.artefact``.

        Raises:
            TrainingInputError: a file is missing or cannot be used; names it.
        """
        from training.product.artefact import load_encoder

        return load_encoder(folder)
