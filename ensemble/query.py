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
# Inputs by name: numpy's arrays, or tensors on a GPU.
Tensors = Mapping[str, Rows]

DEFAULT_K = 10
VECTORS = ("TEXT_VECTOR", "IMAGE_VECTOR")
# Encoders give vectors of length 1. Scores of far longer ones would leave float32.
MAX_NORM = 1_000.0
# A new business score is evaluated over all products, while the requests behind it wait.
MOST_RANKS = 8


@dataclass(frozen=True)
class Asked:
    """One request, checked as far as it can be without an index.

    Args:
        rows: ``(batch, row_dim)`` float32, from ``query_rows``: where the vectors are. Multiplied by what ``ranks`` say
            of the similarity.
        vectors: Names of the inputs that ``rows`` are made of.
        counts: How many products each row wants.
        filters: The filter of each row; empty for none.
        ranks: The business score of each row; empty for the similarity alone.
        min_seq: The journal entry that the answer must hold.
    """

    rows: Rows
    vectors: str
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
        text, image = (request.get(name) for name in VECTORS)
        batch = len(_given(text, image))
        ranks = _column(request, "RANK", b"", batch)
        rows = query_rows(text, image, request.get("WEIGHTS"), space, _factors(ranks) if any(ranks) else None)
        counts = _column(request, "K", DEFAULT_K, batch)
        for row, k in enumerate(counts):
            if not 1 <= k <= space.max_k:
                raise InvalidInput("K", f"{k}; 1 to {space.max_k:,} are allowed").at(row, of=batch)
        numbers = _column(request, "MIN_SEQ", 0, batch)
        for row, number in enumerate(numbers):
            if number < 0:
                raise InvalidInput("MIN_SEQ", f"{number}; a sequence number of at least 0 is needed").at(row, of=batch)
        vectors = ", ".join(name for name in VECTORS if request.get(name) is not None)
        filters = _column(request, "FILTER", b"", batch)
        return cls(rows, vectors, counts, filters, ranks, max(numbers, default=0))


def query_rows(
    text: Rows, image: Rows, weights: Floats | None, space: SpaceSettings, factors: Floats | None = None
) -> Rows:
    """Build ``(batch, row_dim)`` queries; see "Rows, weights and scores" in docs/design.md.

    Vectors on a GPU make queries there; whether these are finite is told by the search, which waits for the GPU once.

    Args:
        text: ``(batch, text_dim)`` unit vectors, or None.
        image: ``(batch, image_dim)`` unit vectors, or None.
        weights: ``(batch, 2)`` weights of text and photo; None for equal ones.
        space: Dimensions and the weights of the halves.
        factors: ``(batch,)``: what each row is multiplied with in the end; None for nothing.

    Raises:
        InvalidInput: Neither text nor image, a wrong length, a value that is not finite, a vector that is too long, or
            only zero weights.
    """
    text, image = in_one_place(text, image)
    given = _given(text, image)
    batch = len(given)
    parts = normal_weights(weights, batch, has_text=text is not None, has_image=image is not None)
    for name, vectors, dim in zip(VECTORS, (text, image), (space.text_dim, space.image_dim), strict=True):
        if vectors is not None:
            _check_vectors(name, vectors, dim)
    half_weights = np.array([space.text_query, space.image_query], np.float32)
    shares = (parts[:, :, None] * half_weights).reshape(batch, half_weights.size)
    # All numbers in one array, which is one copy where the vectors are on a GPU.
    numbers = beside(given, shares if factors is None else np.column_stack([shares, factors]))
    rows = zeros_beside(given, (batch, space.row_dim))
    halves = (slice(None, space.text_dim), slice(space.text_dim, None))
    for column, (kind, half) in enumerate(np.ndindex(half_weights.shape)):
        vectors = (text, image)[kind]
        if vectors is not None and half_weights[kind, half]:
            rows[:, halves[half]] += numbers[:, column, None] * vectors
    if factors is not None:
        rows *= numbers[:, -1:]
    return rows


def _given(text: Rows, image: Rows) -> Rows:
    """One of the two that is there."""
    if text is None and image is None:
        raise InvalidInput(", ".join(VECTORS), "both are missing; give at least one")
    return image if text is None else text


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
    different = len({rank for rank in ranks if rank})
    if different > MOST_RANKS:
        raise InvalidInput("RANK", f"{different} different ones in a request; at most {MOST_RANKS} are allowed")
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
