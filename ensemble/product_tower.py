"""A product tower: from what an index has of a product, its row and its document, to one vector for recommendations.

The row already holds the vectors of the frozen text and vision towers, so that this small network costs microseconds,
and a product is recommendable as soon as it has a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import DamagedRelease, InvalidInput
from ensemble.features import FEATURES, INPUTS, ROW, FeatureSettings, features_of
from ensemble.settings import SpaceSettings
from ensemble.towers import Tower

GRAPH = "product_tower.onnx"
OUTPUT = "PRODUCT_VECTOR"
# Runs always have this many rows: a matrix product may add up in another order for another number of rows, and a
# product whose vector differs in its last bit is taken for one that has moved.
ROWS_A_RUN = 16
_LEAST_NORM = 1e-12

Rows = NDArray[np.float32]
Products = Sequence[Mapping[str, Any]]


class AnyProductTower(Protocol):
    """What gives products their vectors."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    def encode(self, rows: Rows, products: Products) -> Rows:
        """Unit vectors ``(n, dim)`` of products; one does not depend on the others of its batch.

        Args:
            rows: ``(n, row_dim)`` float32, the rows of the index.
            products: Their documents, in the same order.

        Raises:
            InvalidInput: The rows have another length than the tower's, or another number than the products.
        """


class ProductTower:
    """A trained tower, as ONNX Runtime runs it on one thread.

    Args:
        graph: Takes the tensors of ``features_of`` and ``ROW``; gives ``PRODUCT_VECTOR``.
        settings: How the features are made.
    """

    def __init__(self, graph: Tower, settings: FeatureSettings) -> None:
        self._graph, self.settings = graph, settings
        self.dim: int = graph.dim

    @classmethod
    def open(cls, folder: Path) -> ProductTower:
        """The tower in a folder: ``product_tower.onnx`` and ``features.json``.

        Raises:
            DamagedRelease: A file is missing, cannot be used, or the two do not belong together.
        """
        settings, graph = FeatureSettings.load(folder / FEATURES), Tower(folder / GRAPH)
        unknown = sorted(set(graph.inputs) - set(INPUTS))
        if unknown or graph.output != OUTPUT:
            raise DamagedRelease(
                f"{folder / GRAPH}: inputs {list(graph.inputs)} and output {graph.output!r}; "
                f"a product tower has inputs among {list(INPUTS)} and the output {OUTPUT!r}"
            )
        return cls(graph, settings)

    def encode(self, rows: Rows, products: Products) -> Rows:
        """See ``AnyProductTower.encode``."""
        checked = _checked(rows, products, self.settings.row_dim)
        vectors = np.empty((len(products), self.dim), np.float32)
        for start in range(0, len(products), ROWS_A_RUN):
            part = slice(start, start + ROWS_A_RUN)
            vectors[part] = self._run(checked[part], products[part])
        return vectors

    def _run(self, rows: Rows, products: Products) -> Rows:
        inputs = {ROW: rows, **features_of(products, self.settings)}
        missing = ROWS_A_RUN - len(products)
        filled = {name: np.pad(tensor, ((0, missing), (0, 0))) for name, tensor in inputs.items()}
        return self._graph.encode(filled)[: len(products)]


class FrozenProductTower:
    """The vectors of the frozen towers as they are: what recommends until a product tower has been trained.

    In a shared space a vector is the text half plus the image half where there is one; otherwise the text half alone.

    Args:
        space: The space of the rows.
    """

    def __init__(self, space: SpaceSettings) -> None:
        self._space = space
        self.dim: int = space.text_dim

    def encode(self, rows: Rows, products: Products) -> Rows:
        """See ``AnyProductTower.encode``."""
        checked = _checked(rows, products, self._space.row_dim)
        mixed = checked[:, : self._space.text_dim]
        if self._space.shared:
            mixed = mixed + checked[:, self._space.text_dim :]
        return unit(mixed)


def open_product_tower(folder: Path, space: SpaceSettings) -> AnyProductTower:
    """The trained tower of a folder; the frozen one where the folder has no graph.

    Raises:
        DamagedRelease: A file is missing or cannot be used, or the tower is of another space.
    """
    if not (folder / GRAPH).is_file():
        return FrozenProductTower(space)
    tower = ProductTower.open(folder)
    known, here = tower.settings, (space.text_dim, space.image_dim)
    if known.text_dim != space.text_dim or known.image_dim not in (0, space.image_dim):
        raise DamagedRelease(
            f"{folder / FEATURES}: the tower reads rows of {known.text_dim} + {known.image_dim} numbers, "
            f"the index has {here[0]} + {here[1]}"
        )
    return tower


def unit(vectors: Rows) -> Rows:
    """Vectors ``(n, dim)`` at length 1; one of zeros stays as it is."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Rows = (vectors / np.maximum(norms, _LEAST_NORM)).astype(np.float32)
    return scaled


def _checked(rows: Rows, products: Products, least: int) -> Rows:
    """The part of the rows that the tower reads: one that ignores pictures takes rows that have them."""
    if rows.ndim != 2 or rows.shape[1] < least:
        raise InvalidInput(ROW, f"shape {rows.shape}; (products, {least}) is needed")
    if len(rows) != len(products):
        raise InvalidInput(ROW, f"{len(rows)} rows for {len(products)} products; one each is needed")
    return np.ascontiguousarray(rows[:, :least], np.float32)
