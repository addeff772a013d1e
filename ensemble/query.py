"""What a request asks for: its query rows, how many products each wants, which filter and score, and how fresh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.arrays import Rows, beside, in_one_place, on_host, zeros_beside
from ensemble.errors import InvalidInput
from ensemble.index.rank import factor_of
from ensemble.settings import SpaceSettings

Floats = NDArray[np.float32]
Tensors = Mapping[str, NDArray[Any]]

DEFAULT_K = 10
# Encoders give vectors of length 1. Scores of far longer ones would leave float32.
MAX_NORM = 1_000.0


@dataclass(frozen=True)
class Asked:
    """One request, checked as far as it can be without an index.

    Args:
        rows: ``(batch, row_dim)`` float32, from ``query_rows``: where the vectors are. Multiplied by what ``ranks`` say
            of the similarity.
        counts: How many products each row wants.
        filters: The filter of each row; empty for none.
        ranks: The business score of each row; empty for the similarity alone.
        min_seq: The journal entry that the answer must hold.
    """

    rows: Rows
    counts: list[int]
    filters: list[bytes]
    ranks: list[bytes]
    min_seq: int

    @classmethod
    def of(cls, request: Tensors, space: SpaceSettings) -> Asked:
        """Read the tensors of a request; the optional ones may be absent.

        Raises:
            InvalidInput: One cannot be served; names it, and the row.
        """
        rows = query_rows(request.get("TEXT_VECTOR"), request.get("IMAGE_VECTOR"), request.get("WEIGHTS"), space)
        batch = len(rows)
        counts = _column(request, "K", DEFAULT_K, batch)
        for row, k in enumerate(counts):
            if not 1 <= k <= space.max_k:
                raise InvalidInput("K", f"{k}; 1 to {space.max_k:,} are allowed").at(row, of=batch)
        numbers = _column(request, "MIN_SEQ", 0, batch)
        for row, number in enumerate(numbers):
            if number < 0:
                raise InvalidInput("MIN_SEQ", f"{number}; a sequence number of at least 0 is needed").at(row, of=batch)
        ranks = _column(request, "RANK", b"", batch)
        if any(ranks):
            rows *= beside(rows, _factors(ranks)[:, None])
        return cls(rows, counts, _column(request, "FILTER", b"", batch), ranks, max(numbers, default=0))


def query_rows(text: Rows, image: Rows, weights: Floats | None, space: SpaceSettings) -> Rows:
    """Build ``(batch, row_dim)`` queries; see "Rows, weights and scores" in docs/design.md.

    Vectors on a GPU make queries there; whether these are finite is told by the search, which waits for the GPU once.

    Args:
        text: ``(batch, text_dim)`` unit vectors, or None.
        image: ``(batch, image_dim)`` unit vectors, or None.
        weights: ``(batch, 2)`` weights of text and photo; None for equal ones.
        space: Dimensions and the weights of the halves.

    Raises:
        InvalidInput: Neither text nor image, a wrong length, a value that is not finite, a vector that is too long, or
            only zero weights.
    """
    if text is None and image is None:
        raise InvalidInput("TEXT_VECTOR, IMAGE_VECTOR", "both are missing; give at least one")
    text, image = in_one_place(text, image)
    given = text if text is not None else image
    batch = len(given)
    parts = normal_weights(weights, batch, has_text=text is not None, has_image=image is not None)
    rows = zeros_beside(given, (batch, space.row_dim))
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
                rows[:, half] += beside(vectors, parts[:, column, None] * np.float32(half_weight)) * vectors
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


def _check_vectors(name: str, vectors: Rows, dim: int) -> None:
    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise InvalidInput(name, f"shape {list(vectors.shape)}; [batch, {dim}] is needed")
    if not on_host(vectors):
        return
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise InvalidInput(name, "holds a value that is not finite").at(int(np.argmin(finite)), of=len(vectors))
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
    if (norms > MAX_NORM).any():
        row = int(np.argmax(norms))
        raise InvalidInput(name, f"norm {norms[row]:.3g}; at most {MAX_NORM:g} is allowed").at(row, of=len(vectors))


def _factors(ranks: Sequence[bytes]) -> Floats:
    """``(batch,)``: what the business score of each row multiplies the similarity with."""
    factors = np.ones(len(ranks), np.float32)
    for row, rank in enumerate(ranks):
        try:
            factors[row] = factor_of(rank)
        except InvalidInput as error:
            raise error.at(row, of=len(ranks)) from None
    return factors


def _column(request: Tensors, name: str, default: Any, batch: int) -> list[Any]:
    values: list[Any] = request[name].ravel().tolist() if name in request else [default] * batch
    if len(values) != batch:
        raise InvalidInput(name, f"{len(values)} values for {batch} rows; one a row is needed")
    return values
