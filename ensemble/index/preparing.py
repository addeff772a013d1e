"""Works changes of the catalogue out against slots, before any search sees them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import ChangesRefused
from ensemble.index.changes import Change, Changes
from ensemble.index.columns import Kind, Mask, Misfit, Numbers, Stored
from ensemble.index.names import ABSENT
from ensemble.index.slots import Rows, Slots, Update
from ensemble.index.values import RESERVED, Product, attributes_of, values_of

DOCUMENTS_AT_ONCE = 4_096


def prepare(slots: Slots, changes: Changes) -> Update:
    """Stage changes; a search sees them after ``slots.flip``.

    A row moves its product to a new slot, so that ties are broken by the age of rows; but where all rows are given, one
    that its product has already leaves it where it is.

    Raises:
        ChangesRefused: A product's document, row or value cannot be taken; names it. Nothing was changed.
    """
    ids = [change.id for change in changes.changes]
    if len(set(ids)) != len(ids):
        raise ChangesRefused(f"sequence number {changes.seq}: a product is in the changes twice")
    at = dict(zip(ids, slots.find(ids).tolist(), strict=True))
    present = [change for change in changes.changes if change.document is not None]
    given = [change for change in present if _has_row(change)]
    rows = _rows(slots, given)
    moves = _moves(slots, rows, _numbers(at[change.id] for change in given), all_rows=changes.all_rows)
    new, rows = list(compress(given, moves)), rows[moves]
    patched = [change for change in present if change.row is None and at[change.id] != ABSENT]
    patched += compress(given, ~moves)
    staying = {change.id for change in patched}
    products = [_product(change) for change in (*new, *patched)]
    columns = _columns(slots, changes.kinds, _numbers(slot for slot in at.values() if slot != ABSENT))
    _check_known(slots, columns, products)
    values = {name: encoded(column, name, products) for name, column in (slots.stored | columns).items()}
    update = Update(
        seq=changes.seq,
        rows=rows,
        ids=tuple(change.id for change in new),
        documents=tuple(_document(change) for change in new),
        dead=_numbers(slot for name, slot in at.items() if slot != ABSENT and name not in staying),
        patched=_numbers(at[change.id] for change in patched),
        replaced=tuple(_document(change) for change in patched),
        columns=columns,
        values={name: both[len(new) :] for name, both in values.items()},
        embedded=frozenset(ids),
        unembedded=frozenset(change.id for change in present if not _has_row(change)) - staying,
    )
    slots.stage(update, {name: both[: len(new)] for name, both in values.items()})
    return update


def _has_row(change: Change) -> bool:
    return change.row is not None and len(change.row) > 0


def _numbers(slots: Iterable[int]) -> Numbers:
    return np.fromiter(slots, np.int64)


def _rows(slots: Slots, given: Sequence[Change]) -> Rows:
    for change in given:
        shape = list(np.asarray(change.row).shape)
        if shape != [slots.row_dim]:
            raise ChangesRefused(f"product {change.id!r}: a row of shape {shape}; this space has [{slots.row_dim}]")
    rows = np.empty((len(given), slots.row_dim), np.float16)
    with np.errstate(over="ignore"):  # a value too large for float16 becomes infinite, which is refused below
        for place, change in enumerate(given):
            rows[place] = change.row
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        bad = given[int(np.argmin(finite))].id
        raise ChangesRefused(f"product {bad!r}: its row holds a value that is not finite in float16")
    return rows


def _moves(slots: Slots, rows: Rows, held: Numbers, *, all_rows: bool) -> Mask:
    """Which products go to a new slot: all that come with a row, but those that have the same one already."""
    moves = np.ones(len(rows), np.bool_)
    (known,) = np.nonzero((held != ABSENT) & all_rows)
    moves[known] = (slots.rows(held[known]).view(np.uint16) != rows[known].view(np.uint16)).any(axis=1)
    return moves


def _document(change: Change) -> bytes:
    return b"" if change.document is None else change.document


def _product(change: Change) -> Product:
    try:
        product = json.loads(_document(change))
    except ValueError as error:
        raise ChangesRefused(f"product {change.id!r}: its document is not JSON: {error}") from None
    if not isinstance(product, dict) or product.get("id") != change.id:
        raise ChangesRefused(f"product {change.id!r}: its document is not an object with this `id`")
    return product


def _columns(slots: Slots, kinds: Mapping[str, Kind], changed: Numbers) -> dict[str, Stored]:
    """The columns that are new, or that change their kind."""
    columns = {}
    for name in sorted(kinds.keys() - RESERVED):
        stored = slots.stored.get(name)
        if stored is None:
            columns[name] = Stored.missing(kinds[name], len(slots.valid))
        elif stored.kind != kinds[name]:
            columns[name] = rebuilt(slots, name, kinds[name], changed)
    return columns


def rebuilt(slots: Slots, name: str, kind: Kind, changed: Numbers) -> Stored:
    """A column read anew from the documents; dead slots get no value, and those of ``changed`` none yet.

    Args:
        slots: The index.
        name: The attribute.
        kind: What its values are from now on.
        changed: Slots whose documents are about to be replaced or to die: what they held may not be of the new kind.

    Raises:
        ChangesRefused: A product's value is not of that kind.
    """
    is_read = slots.valid.copy()
    is_read[changed] = False
    live = np.flatnonzero(is_read)
    column = Stored.missing(kind, len(slots.valid))
    for start in range(0, len(live), DOCUMENTS_AT_ONCE):
        part = live[start : start + DOCUMENTS_AT_ONCE]
        products = [slots.product(slot) for slot in part.tolist()]
        column.put(part, encoded(column, name, products))
    return column


def encoded(column: Stored, name: str, products: Sequence[Product]) -> NDArray[Any]:
    """The values of products as a column stores them.

    Raises:
        ChangesRefused: A product's value is not of the column's kind; names both.
    """
    values = values_of(products, name)
    try:
        return column.encoded(values)
    except Misfit as error:
        bad = products[error.place]["id"]
        raise ChangesRefused(
            f"product {bad!r}: {name!r} is a {error.kind} in this catalogue, got {values[error.place]!r}"
        ) from None


def _check_known(slots: Slots, columns: Mapping[str, Stored], products: Sequence[Product]) -> None:
    known = RESERVED | slots.stored.keys() | columns.keys()
    for product in products:
        unknown = attributes_of(product).keys() - known
        if unknown:
            raise ChangesRefused(f"product {product['id']!r}: no kind is known of its attribute {min(unknown)!r}")
