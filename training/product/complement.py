"""The complement head: a product's vector and a target category to the vector to search that category with."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from ensemble.features import FeatureSettings
from training.product.shape import TowerShape


class ComplementModule(nn.Module):
    """Joins product and target category, projects, and adds the product's own vector through a linear layer.

    The target is described by the very category table of the encoder (arXiv:2508.03702). ``category`` is the auxiliary
    layer that must tell the target category from the query alone (after P-Companion, CIKM 2020), so that the query does
    not forget where it is to go; it is not served.

    Args:
        features: whose categories are targets.
        shape: sizes.
    """

    def __init__(self, features: FeatureSettings, shape: TowerShape) -> None:
        super().__init__()
        width = shape.category * features.levels
        self.norm = nn.LayerNorm(width)
        self.hidden = nn.Linear(shape.dim + width, shape.complement)
        self.out = nn.Linear(shape.complement, shape.dim)
        self.skip = nn.Linear(shape.dim, shape.dim, bias=False)
        self.category = nn.Linear(shape.dim, len(features.categories) + 1)
        nn.init.eye_(self.skip.weight)

    def targets(self, table: nn.Embedding, levels: Tensor) -> Tensor:
        """Describe target categories: (n, levels) ids to (n, levels * width)."""
        described: Tensor = self.norm(table(levels).flatten(1))
        return described

    def forward(self, vectors: Tensor, targets: Tensor) -> Tensor:
        """Queries (n, dim) of length 1 of products (n, dim) and described targets (n, levels * width)."""
        joined = torch.cat([vectors, targets], dim=1)
        return functional.normalize(self.skip(vectors) + self.out(functional.relu(self.hidden(joined))), dim=1)

    @classmethod
    def load(cls, folder: Path) -> ComplementModule:
        """The head of an artefact folder, in evaluation mode; see ``training.product.artefact``.

        Raises:
            TrainingInputError: a file is missing or cannot be used; names it.
        """
        from training.product.artefact import load_complement

        return load_complement(folder)
