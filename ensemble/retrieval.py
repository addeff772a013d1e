"""From query vectors to products: builds the query row, filters, searches, and pads the answer to a rectangle."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
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

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Tensors = Mapping[str, NDArray[Any]]

DEFAULT_K = 10
KEPT_FILTERS = 1_024


Answered = list[Hits] | Exception


@dataclass(frozen=True)
class Query:
    """One row of a request.

    Args:
        vector: ``(row_dim,)`` float32, from ``query_row``.
        k: How many products are wanted.
        mask: ``(slots,)`` bool, which slots its filter passes; None for all.
    """

    vector: Floats
    k: int = DEFAULT_K
    mask: Mask | None = None


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
    given = np.ones((batch, 2)) if weights is None else weights.astype(np.float64).reshape(batch, 2)
    present = given * np.array([has_text, has_image], np.float64)
    for row, pair in enumerate(given):
        if not np.isfinite(pair).all():
            raise InvalidInput("WEIGHTS", f"{pair.tolist()} is not finite; give two finite numbers").at(row, of=batch)
        if not present[row].any():
            raise InvalidInput("WEIGHTS", f"{pair.tolist()}: one that is not zero is needed").at(row, of=batch)
    normal: Floats = (present / np.abs(present).sum(axis=1, keepdims=True)).astype(np.float32)
    return normal


def _check_vectors(name: str, vectors: Floats, dim: int) -> None:
    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise InvalidInput(name, f"shape {list(vectors.shape)}; [batch, {dim}] is needed")
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise InvalidInput(name, "holds a value that is not finite").at(int(np.argmin(finite)), of=len(vectors))


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

    def answer(self, requests: Sequence[Tensors]) -> list[Answered]:
        """Answer requests by their tensors in one search.

        Args:
            requests: For each its inputs as in docs/design.md; the optional ones may be absent.

        Returns:
            For each the hits of its rows, or why it was refused.
        """
        parsed = [self._parse(request) for request in requests]
        try:
            found = iter(
                self.search([query for entry in parsed if not isinstance(entry, Exception) for query in entry])
            )
        except Exception:
            log.exception("a search for %d requests failed together; each is tried alone", len(requests))
            return [entry if isinstance(entry, Exception) else self._alone(entry) for entry in parsed]
        return [entry if isinstance(entry, Exception) else [next(found) for _ in entry] for entry in parsed]

    def search(self, queries: Sequence[Query]) -> list[Hits]:
        """Hits of each query."""
        if not queries:
            return []
        vectors = np.stack([query.vector for query in queries])
        return self.engine.search(vectors, [query.k for query in queries], [query.mask for query in queries])

    def queries(self, rows: Floats, counts: Sequence[int], filters: Sequence[bytes]) -> list[Query]:
        """Validate the rows of one request.

        Raises:
            InvalidInput: ``K`` or ``FILTER`` cannot be served; names the row.
        """
        triples = enumerate(zip(rows, counts, filters, strict=True))
        return [self._query(row, *triple, batch=len(rows)) for row, triple in triples]

    def _query(self, row: int, vector: Floats, k: int, text: bytes, *, batch: int) -> Query:
        if not 1 <= k <= self.space.max_k:
            raise InvalidInput("K", f"{k}; 1 to {self.space.max_k:,} are allowed").at(row, of=batch)
        try:
            compiled = self._filter(text)
        except InvalidInput as error:
            raise error.at(row, of=batch) from None
        return Query(vector, k, None if compiled is None else compiled.mask(self.slots.columns))

    def _alone(self, queries: Sequence[Query]) -> Answered:
        try:
            return self.search(queries)
        except Exception as error:
            return error

    def _parse(self, request: Tensors) -> list[Query] | Exception:
        try:
            rows = query_rows(
                request.get("TEXT_VECTOR"), request.get("IMAGE_VECTOR"), request.get("WEIGHTS"), self.space
            )
            counts = request["K"].ravel().tolist() if "K" in request else [DEFAULT_K] * len(rows)
            filters = request["FILTER"].ravel().tolist() if "FILTER" in request else [b""] * len(rows)
            return self.queries(rows, counts, filters)
        except Exception as error:
            return error

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
