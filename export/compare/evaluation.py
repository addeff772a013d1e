"""Asks every tower the same labelled queries, and holds its answers against the labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.retrieval import query_rows
from export.check import MAX_NORM_ERROR, norm_error
from export.compare.metrics import quality
from export.compare.questions import Questions
from export.compare.workshop import Contestant
from export.embedding import Rows, embed
from export.errors import GateFailed

BATCH = 32
WORST_SHOWN = 3

Floats = NDArray[np.float32]
Advance = Callable[[int], None]


@dataclass(frozen=True)
class Quality:
    """Means over the queries of one kind, and their standard errors.

    Args:
        means: By metric.
        errors: Standard error of each mean, by metric.
        queries: How many there were.
    """

    means: Mapping[str, float]
    errors: Mapping[str, float]
    queries: int


def embed_catalogue(contestant: Contestant, advance: Advance) -> Rows:
    """Rows of all products, ``(products, row_dim)``.

    Raises:
        GateFailed: A vector is not finite or not of length 1; names the products.
    """
    checked = contestant.entry.checked
    return embed(contestant.encoders, checked.catalogue.products, checked.pictures, advance)


def evaluate(contestant: Contestant, rows: Rows, asked: Questions, advance: Advance) -> Quality:
    """Ask all queries of one kind by exact search.

    Args:
        contestant: Whom.
        rows: Its products, ``(products, row_dim)``.
        asked: The queries and which products are right.
        advance: Told how many more queries are answered.

    Raises:
        BadComparison: The halves of a row cannot be weighed as the towers file says.
        GateFailed: A query's vector is not finite or not of length 1; names the queries.
    """
    space = contestant.space
    parts: dict[str, list[NDArray[np.float64]]] = {}
    for start, vectors in _vectors(contestant, asked):
        text, image = (vectors, None) if asked.kind == "text" else (None, vectors)
        scores = query_rows(text, image, None, space) @ rows.T
        for name, values in quality(scores, asked.right[start : start + BATCH]).items():
            parts.setdefault(name, []).append(values)
        advance(len(vectors))
    whole = {name: np.concatenate(values) for name, values in parts.items()}
    count = len(asked.names)
    return Quality(
        means={name: float(values.mean()) for name, values in whole.items()},
        errors={name: float(values.std() / np.sqrt(count)) for name, values in whole.items()},
        queries=count,
    )


def _vectors(contestant: Contestant, asked: Questions) -> Iterator[tuple[int, Floats]]:
    encode = contestant.encoders.embed_text if asked.kind == "text" else contestant.encoders.embed_image
    for start in range(0, len(asked.asked), BATCH):
        vectors = encode(asked.asked[start : start + BATCH])  # type: ignore[arg-type]
        errors = norm_error(vectors)
        if errors.max() > MAX_NORM_ERROR:
            worst = [asked.names[start + at] for at in np.argsort(errors)[::-1][:WORST_SHOWN]]
            figure = f"{contestant.entry.name}, {asked.kind} queries: difference of length to 1"
            raise GateFailed(figure, float(errors.max()), MAX_NORM_ERROR, worst)
        yield start, vectors
