"""What a request is answered with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.index import Hits, State


@dataclass(frozen=True)
class Found:
    """What one request is answered with, all of it from one state of the index.

    Args:
        hits: One a row.
        ids: The products of each row's hits.
        documents: These products as UTF-8 JSON; None where only ids are wanted.
        seq: The journal's last entry in that state.
    """

    hits: list[Hits]
    ids: list[list[str]]
    documents: list[list[bytes]] | None
    seq: int

    @classmethod
    def of(cls, hits: Sequence[Hits], state: State, *, documents: bool = True) -> Found:
        """Take what hits are of out of a state that is still open."""
        texts = [state.documents(hit) for hit in hits] if documents else None
        return cls(list(hits), [state.ids(hit) for hit in hits], texts, state.seq)


def rectangle(found: Found) -> dict[str, NDArray[Any]]:
    """The answer of one request as tensors, rows padded to the longest.

    Returns:
        ``PRODUCT_ID`` ``(batch, width)`` bytes, ``SCORE`` ``(batch, width)`` float32, ``COUNT`` ``(batch, 1)`` int32,
        ``SEQ`` ``(batch, 1)`` int64 and, where documents are wanted, ``PRODUCT`` ``(batch, width)`` bytes.
    """
    batch, width = len(found.hits), max((len(hit.slots) for hit in found.hits), default=0)
    scores = np.full((batch, width), -np.inf, np.float32)
    for row, hit in enumerate(found.hits):
        scores[row, : len(hit.slots)] = hit.scores
    tensors: dict[str, NDArray[Any]] = {
        "PRODUCT_ID": _padded([[name.encode() for name in row] for row in found.ids], width),
        "SCORE": scores,
        "COUNT": np.array([[len(hit.slots)] for hit in found.hits], np.int32),
        "SEQ": np.full((batch, 1), found.seq, np.int64),
    }
    return tensors if found.documents is None else tensors | {"PRODUCT": _padded(found.documents, width)}


def _padded(rows: Sequence[Sequence[bytes]], width: int) -> NDArray[Any]:
    padded = np.full((len(rows), width), b"", object)
    for number, row in enumerate(rows):
        padded[number, : len(row)] = row
    return padded
