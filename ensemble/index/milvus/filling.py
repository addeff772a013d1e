"""Between snapshots and a Milvus: how one is filled, and how it is left again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ensemble.index import snapshot
from ensemble.index.milvus.entities import Batch, Given
from ensemble.index.milvus.errors import WrongCollection
from ensemble.index.milvus.parts import AT_ONCE
from ensemble.index.milvus.schema import unpacked
from ensemble.index.preparing import prepare
from ensemble.index.slots import Slots
from ensemble.index.values import KEY_FIELDS

if TYPE_CHECKING:
    from ensemble.index.milvus.index import MilvusIndex

_NO_ROW = np.empty(0, np.float16)


def fill(index: MilvusIndex, folder: Path) -> None:
    """Take a snapshot in place of what a Milvus holds.

    Args:
        index: Of the Milvus.
        folder: The snapshot.

    Raises:
        DamagedRelease: A file of it is missing or altered, or it is of another space or catalogue.
        MilvusAway: Milvus does not answer: it has to be done again.
    """
    take(index, snapshot.load(folder, space_id=index.space_id))


def take(index: MilvusIndex, slots: Slots) -> None:
    """Take the slots of an index in place of what a Milvus holds.

    Args:
        index: Of the Milvus.
        slots: Of the same space and catalogue.

    Raises:
        WrongCollection: They are of others.
        MilvusAway: Milvus does not answer: it has to be done again.
    """
    for name in ("space_id", "catalogue_id"):
        found, wanted = getattr(slots, name), getattr(index, name)
        if found != wanted:
            raise WrongCollection(f"a snapshot with `{name}` {found!r} cannot fill a collection of {wanted!r}")
    kinds = {name: column.kind for name, column in slots.stored.items() if name not in KEY_FIELDS}
    index.replace(_products(slots), seq=slots.seq, kinds=kinds)


def save(index: MilvusIndex, folder: Path) -> dict[str, str]:
    """Write a snapshot of ours, which every engine opens; all of it has to fit into main memory.

    What is fed meanwhile may be in it or not: the journal, followed from the snapshot's ``seq`` on, mends that.

    Args:
        index: Of the Milvus.
        folder: Where.

    Returns:
        SHA-256 of each file, by name.

    Raises:
        MilvusAway: Milvus does not answer.
    """
    index.refresh()
    state = index.state
    slots = Slots.empty(state.space_id, state.row_dim, catalogue_id=state.catalogue_id, seq=state.seq)
    for first in range(state.first, state.end, AT_ONCE):
        given = [
            Given(entity["id"], entity["document"].encode(), unpacked(entity["vector"]))
            for entity in index.products.between(first, min(first + AT_ONCE, state.end))
        ]
        slots.flip(prepare(slots, Batch(state.seq, given, state.kinds)))
    slots.unembedded |= index.states.unembedded()
    return snapshot.save(slots, folder)


def _products(slots: Slots) -> Iterator[Given]:
    live = np.flatnonzero(slots.valid)
    for start in range(0, len(live), AT_ONCE):
        part = live[start : start + AT_ONCE]
        for slot, name, row in zip(part.tolist(), slots.ids(part), slots.rows(part), strict=True):
            yield Given(name, slots.document(slot), row)
    for name in sorted(slots.unembedded):
        yield Given(name, b"{}", _NO_ROW)
