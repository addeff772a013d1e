"""A trained tower: its parts, what it reached, and the vectors that it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ensemble.complement_head import ComplementHead
from ensemble.features import FeatureSettings
from training.product.complements import ComplementMap
from training.product.data import Catalogue, Products
from training.product.recipe import Recipe
from training.product.run import Figures
from training.product.student import Student
from training.product.validating import vectors_of


@dataclass(frozen=True)
class Trained:
    """A trained tower.

    Attributes:
        student: encoder and complement head, in evaluation mode, with the weights of the best epoch.
        recipe: what it was made by.
        popularity: baskets that hold each product, by its id; see ``Pairs.baskets``.
        has_complement: whether there were pairs to train the complement head with.
        epochs: figures of each epoch.
        best_epoch: counted from 1.
        rows: of some products by their id and title, by which a release tells that its own rows are of the same towers.
    """

    student: Student
    recipe: Recipe
    popularity: dict[str, int]
    has_complement: bool
    epochs: tuple[Figures, ...]
    best_epoch: int
    rows: Mapping[str, list[float]] = field(default_factory=dict)

    @property
    def features(self) -> FeatureSettings:
        """How the features of a product are made."""
        return self.student.encoder.features

    def vectors(self, catalogue: Catalogue, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors (products, dim) of length 1, of products that training may never have seen."""
        with torch.no_grad():
            found: NDArray[np.float32] = vectors_of(self.student, Products.of(catalogue, rows, self.features)).numpy()
        return found

    def head(self) -> ComplementHead:
        """The complement head as it serves."""
        from training.product.artefact import head_tensors

        return ComplementHead(self.features.category_table, head_tensors(self.student))

    def save(self, folder: Path, complements: ComplementMap | None = None) -> None:
        """Write the artefact folder; see ``training.product.artefact``."""
        from training.product.artefact import save

        save(self, folder, complements)
