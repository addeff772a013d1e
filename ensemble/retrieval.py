"""From query vectors to products: builds the query row, filters, searches, and pads the answer to a rectangle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import InvalidInput
from ensemble.index.columns import Mask
from ensemble.index.engine import Engine, Hits
from ensemble.index.filter import Filter, parse_filter
from ensemble.index.slots import Slots
from ensemble.settings import SpaceSettings

Floats = NDArray[np.float32]

DEFAULT_K = 10
KEPT_FILTERS = 1_024


@dataclass(frozen=True)
class Query:
    """One row of a request.

    Args:
        vector: ``(row_dim,)`` float32, from ``query_row``.
        k: How many products are wanted.
        filter: JSON expression; empty for none.
    """

    vector: Floats
    k: int = DEFAULT_K
    filter: bytes = b""


def query_rows(text: Floats | None, image: Floats | None, weights: Floats | None, space: SpaceSettings) -> Floats:
    """Build ``(batch, row_dim)`` queries; see "Rows, weights and scores" in docs/design.md.

    Args:
        text: ``(batch, text_dim)`` unit vectors, or None.
        image: ``(batch, image_dim)`` unit vectors, or None.
        weights: ``(batch, 2)`` weights of text and photo; None for equal ones.
        space: Dimensions and the weights of the halves.

    Raises:
        InvalidInput: Neither text nor image, a wrong length, a value that is not finite, or only zero weights.
    """
    if text is None and image is None:
        raise InvalidInput("TEXT_VECTOR, IMAGE_VECTOR", "both are missing; give at least one")
    batch = len(text if text is not None else image)  # type: ignore[arg-type]
    parts = normal_weights(weights, batch, has_text=text is not None, has_image=image is not None)
    rows = np.zeros((batch, space.row_dim), np.float32)
    halves = (slice(None, space.text_dim), slice(space.text_dim, None))
    kinds = (
        ("TEXT_VECTOR", text, space.text_dim, space.text_query),
        ("IMAGE_VECTOR", image, space.image_dim, space.image_query),
    )
    for column, (name, vectors, dim, half_weights) in enumerate(kinds):
        if vectors is None:
            continue
        _check_vectors(name, vectors, dim)
        for half, half_weight in zip(halves, half_weights, strict=True):
            if half_weight:
                rows[:, half] += parts[:, column, None] * np.float32(half_weight) * vectors
    return rows


def normal_weights(weights: Floats | None, batch: int, *, has_text: bool, has_image: bool) -> Floats:
    """Weights of text and photo, ``(batch, 2)``, divided by the sum of their magnitudes; zero where a part is absent.

    Raises:
        InvalidInput: A weight is not finite, or all that count are zero.
    """
    given = np.ones((batch, 2), np.float32) if weights is None else weights.astype(np.float32).reshape(batch, 2)
    present = given * np.array([has_text, has_image], np.float32)
    for row, pair in enumerate(given):
        if not np.isfinite(pair).all():
            raise InvalidInput("WEIGHTS", f"{pair.tolist()} is not finite; give two finite numbers", row=row)
        if not present[row].any():
            raise InvalidInput("WEIGHTS", f"{pair.tolist()}: at least one that is not zero is needed", row=row)
    normal: Floats = present / np.abs(present).sum(axis=1, keepdims=True)
    return normal


def _check_vectors(name: str, vectors: Floats, dim: int) -> None:
    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise InvalidInput(name, f"shape {list(vectors.shape)}; [batch, {dim}] is needed")
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise InvalidInput(name, "holds a value that is not finite", row=int(np.flatnonzero(~finite)[0]))


class Retrieval:
    """Answers queries over one index.

    Args:
        slots: The index.
        engine: What searches it.
        space: Limits, dimensions and weights.
    """

    def __init__(self, slots: Slots, engine: Engine, space: SpaceSettings) -> None:
        self.slots, self.engine, self.space = slots, engine, space
        self._filter = lru_cache(KEPT_FILTERS)(self._compile)

    def check(self, query: Query, row: int) -> Mask | None:
        """Validate one query and evaluate its filter.

        Raises:
            InvalidInput: ``K`` or ``FILTER`` cannot be served.
        """
        if not 1 <= query.k <= self.space.max_k:
            raise InvalidInput("K", f"{query.k}; 1 to {self.space.max_k:,} are allowed", row=row)
        try:
            compiled = self._filter(query.filter)
        except InvalidInput as error:
            raise error.at(row) from None
        return None if compiled is None else compiled.mask(self.slots.columns)

    def search(self, queries: Sequence[Query], masks: Sequence[Mask | None]) -> list[Hits]:
        """Hits of queries that ``check`` has passed, with the masks it gave."""
        vectors = np.stack([query.vector for query in queries])
        return self.engine.search(vectors, [query.k for query in queries], masks)

    def _compile(self, text: bytes) -> Filter | None:
        return parse_filter(text, self.slots.columns)


def rectangle(hits: Sequence[Hits], slots: Slots, *, documents: bool = True) -> dict[str, NDArray[Any]]:
    """The hits of one request as tensors, rows padded to the longest.

    Args:
        hits: One a row.
        slots: The index that they are of.
        documents: Whether the products are wanted, not only their ids.

    Returns:
        ``PRODUCT_ID`` ``(batch, width)`` bytes, ``SCORE`` ``(batch, width)`` float32, ``COUNT`` ``(batch, 1)`` int32
        and, where wanted, ``PRODUCT`` ``(batch, width)`` bytes.
    """
    shape = (len(hits), max((len(hit.slots) for hit in hits), default=0))
    ids, scores = np.full(shape, b"", object), np.full(shape, -np.inf, np.float32)
    products = np.full(shape, b"", object)
    for row, hit in enumerate(hits):
        found = len(hit.slots)
        ids[row, :found] = [name.encode() for name in slots.ids(hit.slots)]
        scores[row, :found] = hit.scores
        if documents:
            products[row, :found] = [slots.document(int(slot)) for slot in hit.slots]
    counts = np.array([[len(hit.slots)] for hit in hits], np.int32)
    tensors: dict[str, NDArray[Any]] = {"PRODUCT_ID": ids, "SCORE": scores, "COUNT": counts}
    return tensors | {"PRODUCT": products} if documents else tensors
