"""Changes of a catalogue as entities of Milvus."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ensemble.errors import ChangesRefused
from ensemble.index.changes import Change
from ensemble.index.columns import Kind
from ensemble.index.milvus.options import MilvusOptions
from ensemble.index.milvus.schema import MAX_TERMS, MAX_TEXT_BYTES, packed
from ensemble.index.milvus.state import State
from ensemble.index.milvus.tokens import Tokens, key_of
from ensemble.index.preparing import prepare
from ensemble.index.slots import Rows, Slots

Entity = dict[str, Any]


@dataclass(frozen=True)
class Given:
    """What became of one product.

    Args:
        id: The product.
        document: As UTF-8 JSON; None where it was deleted.
        row: ``(row_dim,)``; None where it stays as it was, of no length where there is none.
    """

    id: str
    document: bytes | None
    row: Rows | None


@dataclass(frozen=True)
class Batch:
    """Changes up to a sequence number."""

    seq: int
    changes: Sequence[Change]
    kinds: Mapping[str, Kind]
    all_rows: bool = False


@dataclass(frozen=True)
class Work:
    """What has to be written.

    Args:
        whole: Entities with their row.
        partial: Entities that keep their row and their slot.
        gone: Ids of the products that are not to be found any more.
        unembedded: Ids of those that wait for a row.
    """

    whole: list[Entity]
    partial: list[Entity]
    gone: list[str]
    unembedded: frozenset[str]


def work_of(
    changes: Sequence[Change], state: State, kinds: Mapping[str, Kind], held: set[str], options: MilvusOptions
) -> Work:
    """Work changes out.

    Args:
        changes: At most one a product.
        state: Of the collection; new rows get slots from its ``end`` on.
        kinds: The kind of every attribute.
        held: Those of the products that the collection holds.
        options: How rows are kept.

    Raises:
        ChangesRefused: A product's document, row or value cannot be taken; names it.
    """
    present = [change for change in changes if change.document is not None]
    new = [change for change in present if change.row is not None and len(change.row)]
    patched = [change for change in present if change.row is None and change.id in held]
    staying = {change.id for change in (*new, *patched)}
    check_once(changes)
    _check([*new, *patched], state, kinds)
    slots = range(state.end, state.end + len(new))
    return Work(
        whole=[_whole(change, slot, options) for change, slot in zip(new, slots, strict=True)],
        partial=[_fields(change) for change in patched],
        gone=[change.id for change in changes if change.id not in staying],
        unembedded=frozenset(change.id for change in present if change.id not in staying),
    )


def check_once(changes: Sequence[Change]) -> None:
    """Check that each product is there once.

    Raises:
        ChangesRefused: One is there twice.
    """
    if len({change.id for change in changes}) != len(changes):
        raise ChangesRefused("a product is in the changes twice")


def _check(kept: Sequence[Change], state: State, kinds: Mapping[str, Kind]) -> None:
    """Let the changes through the same checks as those of any index."""
    nothing = np.zeros(state.row_dim, np.float16)
    rows = [Given(change.id, change.document, nothing if change.row is None else change.row) for change in kept]
    prepare(Slots.empty(state.space_id, state.row_dim), Batch(state.seq, rows, kinds))


def _whole(change: Change, slot: int, options: MilvusOptions) -> Entity:
    return {**_fields(change), "id": change.id, "slot": slot, "vector": packed(np.asarray(change.row), options)}


def _fields(change: Change) -> Entity:
    """The fields that change where a product keeps its row."""
    document = change.document or b""
    tokens = Tokens.of(json.loads(document))
    if len(tokens.terms) > MAX_TERMS:
        raise ChangesRefused(f"product {change.id!r}: too many attributes: Milvus takes {MAX_TERMS:,} values a product")
    return {
        "key": key_of(change.id),
        "terms": list(tokens.terms),
        "price": tokens.price,
        "numbers": dict(tokens.numbers),
        "document": _text(change.id, document),
    }


def _text(product_id: str, document: bytes) -> str:
    """A document as Milvus can hold it: one that is longer than it takes by a few bytes is written without spaces."""
    if len(document) > MAX_TEXT_BYTES:
        document = json.dumps(json.loads(document), ensure_ascii=False, separators=(",", ":")).encode()
    if len(document) > MAX_TEXT_BYTES:
        raise ChangesRefused(f"product {product_id!r}: {len(document):,} bytes; Milvus takes {MAX_TEXT_BYTES:,}")
    return document.decode()
