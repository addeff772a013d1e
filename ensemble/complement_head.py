"""The complement head: from a product's vector and a target category to the vector to search that category with.

The query of P-Companion (Hao et al., CIKM 2020) and of the Complementary Two Tower (arXiv:2508.03702): product and
target category are joined and projected. Both are at hand, so that it is a few small matrix products, and nothing is
encoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import DamagedRelease, InvalidInput
from ensemble.features import FEATURES, CategoryTable, FeatureSettings
from ensemble.product_tower import unit

COMPLEMENT = "complement.safetensors"
# Name of each tensor of the file.
TENSORS = ("targets", "hidden.weight", "hidden.bias", "out.weight", "out.bias", "skip.weight")

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class ComplementHead:
    """``q = L2(skip(v) + out(relu(hidden([v, target]))))``.

    Args:
        categories: The categories that have a target vector.
        tensors: ``targets`` ``(categories + 1, e)``, ``hidden.weight`` ``(h, dim + e)``, ``hidden.bias`` ``(h,)``,
            ``out.weight`` ``(dim, h)``, ``out.bias`` ``(dim,)`` and ``skip.weight`` ``(dim, dim)``; all float32.
    """

    categories: CategoryTable
    tensors: dict[str, NDArray[np.float32]]

    @classmethod
    def open(cls, folder: Path) -> ComplementHead | None:
        """The head in a folder, with the categories of ``features.json``; None where there is no head.

        Raises:
            DamagedRelease: A file cannot be used, or the two do not belong together.
        """
        path = folder / COMPLEMENT
        if not path.is_file():
            return None
        categories = FeatureSettings.load(folder / FEATURES).category_table
        tensors = _read(path)
        if len(tensors["targets"]) != len(categories):
            raise DamagedRelease(
                f"{path}: vectors of {len(tensors['targets'])} categories; {folder / FEATURES} has {len(categories)}"
            )
        return cls(categories, tensors)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return len(self.tensors["out.bias"])

    def queries(self, vectors: Vectors, categories: Sequence[str]) -> Vectors:
        """Unit vectors ``(n, dim)`` to search a target category with.

        Args:
            vectors: ``(n, dim)``, of the products, from the tower that the head was trained with.
            categories: ``n`` target categories. One that is not known stands for its nearest known ancestor.

        Raises:
            InvalidInput: The shapes do not fit.
        """
        if vectors.shape != (len(categories), self.dim):
            raise InvalidInput(
                "vectors", f"shape {vectors.shape}; ({len(categories)}, {self.dim}) is needed, one for each category"
            )
        deepest = self.categories.of(categories)[:, -1]
        joined = np.concatenate([vectors, self.tensors["targets"][deepest]], axis=1)
        hidden = np.maximum(joined @ self.tensors["hidden.weight"].T + self.tensors["hidden.bias"], 0)
        found = (
            hidden @ self.tensors["out.weight"].T + self.tensors["out.bias"] + vectors @ self.tensors["skip.weight"].T
        )
        return unit(found)


def _read(path: Path) -> dict[str, NDArray[np.float32]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors: dict[str, NDArray[np.float32]] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise DamagedRelease(f"{path}: not a safetensors file that can be read: {error}") from error
    missing = sorted(set(TENSORS) - set(tensors))
    if missing:
        raise DamagedRelease(f"{path}: tensor {missing[0]!r} is missing; found {sorted(tensors)}")
    return tensors
