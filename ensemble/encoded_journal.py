"""A catalogue's journal as an index of product vectors follows it: every row is what the product tower makes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import ChangesRefused
from ensemble.index import Change, Changes, Journal
from ensemble.index.columns import Kind
from ensemble.product_tower import AnyProductTower

# Features are made in Python, which searches of this process wait for: some milliseconds, not all that is to be done.
AT_ONCE = 64


@dataclass(frozen=True)
class EncodedChange:
    """What became of one product; see ``ensemble.index.Change``.

    Args:
        id: The product.
        document: What it is now, as UTF-8 JSON; None where it was deleted.
        row: Its ``(dim,)`` vector; of no length where it has no row, None where it was deleted.
    """

    id: str
    document: bytes | None
    row: NDArray[np.float16] | None


@dataclass(frozen=True)
class EncodedChanges:
    """Everything that changed since a sequence number; see ``ensemble.index.Changes``.

    Args:
        seq: The last journal entry in it.
        changes: At most one a product.
        kinds: The kind of every attribute.
        all_rows: Every product comes with its vector: only the index can tell whether it is another one.
    """

    seq: int
    changes: tuple[EncodedChange, ...]
    kinds: Mapping[str, Kind]
    all_rows: bool = True


class EncodedJournal:
    """Follows a journal and gives each product the vector of a product tower in place of its row.

    A vector is made of the document too: a new price moves it. What a change does not touch keeps its vector to the
    last bit, so that the index changes the product where it is.

    Args:
        journal: Gives the row of every product that changed, also where only its document did; closed by ``close``.
        tower: The product tower.
    """

    def __init__(self, journal: Journal, tower: AnyProductTower) -> None:
        self._journal, self._tower = journal, tower

    @property
    def catalogue_id(self) -> str | None:
        """See ``Journal``."""
        return self._journal.catalogue_id

    def changes(self, after: int) -> EncodedChanges:
        """What changed after a sequence number, encoded.

        Raises:
            ChangesRefused: A product's document or row cannot be encoded; names it.
            Exception: Whatever the journal raises.
        """
        return encode(self._journal.changes(after), self._tower)

    def head(self) -> int:
        """See ``Journal``."""
        return self._journal.head()

    def wait(self, timeout_s: float) -> None:
        """See ``Journal``."""
        self._journal.wait(timeout_s)

    def nudge(self) -> None:
        """See ``Journal``."""
        self._journal.nudge()

    def close(self) -> None:
        """See ``Journal``."""
        self._journal.close()


def encode(changes: Changes, tower: AnyProductTower) -> EncodedChanges:
    """The same changes, in their order, with the tower's vectors as rows.

    Raises:
        ChangesRefused: A product's document or row cannot be encoded; names it.
    """
    present = [change for change in changes.changes if change.document is not None and _row(change).size]
    vectors: dict[str, NDArray[np.float16]] = {}
    for start in range(0, len(present), AT_ONCE):
        part = present[start : start + AT_ONCE]
        vectors.update(zip((change.id for change in part), _vectors(part, tower), strict=True))
    made = (EncodedChange(one.id, one.document, vectors.get(one.id, one.row)) for one in changes.changes)
    return EncodedChanges(changes.seq, tuple(made), changes.kinds)


def _vectors(changes: Sequence[Change], tower: AnyProductTower) -> NDArray[np.float16]:
    """``(changes, dim)``; of a product that cannot be encoded with the others, only that one is told."""
    try:
        products = [json.loads(change.document or b"") for change in changes]
        rows = np.stack([_row(change) for change in changes]).astype(np.float32)
        return tower.encode(rows, products).astype(np.float16)
    except Exception as error:
        if len(changes) > 1:
            return np.concatenate([_vectors([change], tower) for change in changes])
        raise ChangesRefused(f"product {changes[0].id!r}: the product tower cannot encode it: {error}") from error


def _row(change: Change) -> NDArray[Any]:
    return np.empty(0, np.float16) if change.row is None else change.row
