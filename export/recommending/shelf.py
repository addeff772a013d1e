"""The products of a release as a product tower meets them: documents and rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.features import ROW, FeatureSettings, features_of
from export.gate.twin_features import features_by_hand
from export.recommending.vectors import as_kept
from export.reference import Array, Floats

# What a product tower does not read.
UNREAD = ("id", "image", "available")


@dataclass(frozen=True)
class Shelf:
    """Products with their rows.

    Args:
        documents: As documents of the index.
        rows: ``(products, row_dim)`` float32.

    Raises:
        ValueError: There are not as many of one as of the other.
    """

    documents: Sequence[Mapping[str, Any]]
    rows: Floats

    def __post_init__(self) -> None:
        if len(self.documents) != len(self.rows):
            raise ValueError(f"`rows` must be as many as the {len(self.documents)} documents, got {len(self.rows)}")

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Place of each product by its id."""
        return {str(document["id"]): at for at, document in enumerate(self.documents)}

    def same(self, at: int) -> str:
        """Equal for two products that a tower cannot tell apart."""
        read = {name: value for name, value in self.documents[at].items() if name not in UNREAD}
        digest = blake2b(json.dumps(read, sort_keys=True).encode(), digest_size=16)
        digest.update(self.rows[at].tobytes())
        return digest.hexdigest()

    def tensors(self, places: Sequence[int], settings: FeatureSettings) -> dict[str, Array]:
        """What serving makes of some products, by tensor name."""
        chosen = [self.documents[at] for at in places]
        return {ROW: self._rows(places, settings), **features_of(chosen, settings)}

    def tensors_by_hand(self, places: Sequence[int], settings: FeatureSettings) -> dict[str, Array]:
        """The same by the slow twin."""
        chosen = [self.documents[at] for at in places]
        return {ROW: self._rows(places, settings), **features_by_hand(chosen, settings)}

    def _rows(self, places: Sequence[int], settings: FeatureSettings) -> NDArray[np.float32]:
        """The part of the rows that the tower reads."""
        return np.ascontiguousarray(as_kept(self.rows[list(places), : settings.row_dim]))
