"""Slots: the arrays that an index is made of, side by side, one row a product version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.index.columns import Column, IdColumn, Mask, Numbers, Stored
from ensemble.index.documents import Documents
from ensemble.index.growing import Growing
from ensemble.index.names import ABSENT, Names
from ensemble.index.values import KEY_FIELDS

Rows = NDArray[np.float16]


@dataclass(frozen=True)
class Update:
    """Changes of a catalogue, worked out against slots and not yet seen by a search.

    Args:
        seq: The journal's last entry in it.
        rows: ``(new, row_dim)`` float16, of the slots to append.
        ids: Their products.
        documents: And what these are now, as UTF-8 JSON.
        dead: Slots whose product was deleted, or moves to a new slot.
        patched: Slots whose product changes where it is.
        replaced: The new documents of ``patched``.
        columns: Columns to be used from now on in place of the ones of their name, or beside them.
        values: For each column the values of ``patched``; those of the new slots are staged.
        embedded: Products that are not among those without a row any more.
        unembedded: Products that are.
    """

    seq: int
    rows: Rows
    ids: tuple[str, ...]
    documents: tuple[bytes, ...]
    dead: Numbers
    patched: Numbers
    replaced: tuple[bytes, ...]
    columns: Mapping[str, Stored]
    values: Mapping[str, NDArray[Any]]
    embedded: frozenset[str]
    unembedded: frozenset[str]


@dataclass
class Slots:
    """The arrays of one index: a read-only base, mapped from a snapshot, and a private tail that grows.

    A slot is never reused. What a search sees changes in ``flip`` alone. Rows may be there before their slots are:
    engines learn them some at a time, and no filter lets them pass yet.

    Args:
        space_id: The space that the rows are of.
        catalogue_id: The catalogue that the products are of; empty for one that is in no database.
        seq: Last journal entry that is in here.
        base: ``(base slots, row_dim)`` float16, ``[text half, image half]``, all of them valid when it was written.
        ids_by_slot: Product ids.
        documents: Products by slot.
        stored: Every column but that of the ids.
        unembedded: Products of the catalogue that have no row yet, and so no slot.
    """

    space_id: str
    catalogue_id: str
    seq: int
    base: Rows
    ids_by_slot: Names = field(default_factory=Names)
    documents: Documents = field(default_factory=Documents)
    stored: dict[str, Stored] = field(default_factory=dict)
    unembedded: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        lengths = {"ids": len(self.ids_by_slot), "documents": len(self.documents)}
        lengths |= {name: len(column.values) for name, column in self.stored.items()}
        wrong = {name: length for name, length in lengths.items() if length != len(self.base)}
        if wrong:
            raise ValueError(f"arrays of {len(self.base)} slots expected, got {wrong}")
        self._tail = Growing(np.empty((0, self.row_dim), np.float16))
        self._valid = Growing(np.ones(len(self.base), np.bool_))
        for name, kind in KEY_FIELDS.items():
            self.stored.setdefault(name, Stored.missing(kind, len(self.base)))

    @classmethod
    def empty(cls, space_id: str, row_dim: int, *, catalogue_id: str = "", seq: int = 0) -> Slots:
        """Slots of which there are none yet."""
        return cls(space_id, catalogue_id, seq, np.empty((0, row_dim), np.float16))

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.base) + len(self._tail)

    @property
    def row_dim(self) -> int:
        """Length of a row."""
        return int(self.base.shape[1])

    @property
    def tail(self) -> Rows:
        """``(tail slots, row_dim)`` float16: the slots after those of ``base``. It may move: ask anew each search."""
        return self._tail.view

    @property
    def valid(self) -> Mask:
        """``(slots,)`` bool; false where the product was deleted or moved to a newer slot."""
        return self._valid.view

    @property
    def columns(self) -> Mapping[str, Column]:
        """The fields that a filter may ask for."""
        return {"id": IdColumn(self.ids_by_slot), **self.stored}

    def rows(self, slots: Numbers) -> Rows:
        """``(slots, row_dim)`` float16: a copy of some rows."""
        if not len(self.tail):
            rows: Rows = self.base[slots]
            return rows
        rows = np.empty((len(slots), self.row_dim), np.float16)
        late = slots >= len(self.base)
        rows[~late], rows[late] = self.base[slots[~late]], self.tail[slots[late] - len(self.base)]
        return rows

    def find(self, ids: list[str]) -> Numbers:
        """``(ids,)``: the valid slot of each product; -1 where there is none."""
        found = self.ids_by_slot.find(ids)
        return np.where((found != ABSENT) & self.valid[found], found, ABSENT) if len(self.valid) else found

    def ids(self, slots: Numbers) -> list[str]:
        """Product ids of some slots."""
        return [self.ids_by_slot[slot] for slot in slots.tolist()]

    def document(self, slot: int) -> bytes:
        """The product of a slot as UTF-8 JSON."""
        return self.documents[slot]

    def product(self, slot: int) -> dict[str, Any]:
        """The product of a slot."""
        product: dict[str, Any] = json.loads(self.document(slot))
        return product

    def stage(self, update: Update, staged: Mapping[str, NDArray[Any]]) -> None:
        """Write the new slots of an update where no search looks yet.

        Args:
            update: From ``prepare``.
            staged: For each column the values of the new slots.
        """
        self._tail.stage(update.rows)
        self._valid.stage(np.ones(len(update.rows), np.bool_))
        columns = {**self.stored, **update.columns}
        for name, values in staged.items():
            columns[name].stage(values)

    def extend(self, count: int) -> None:
        """Add ``count`` staged rows, which no filter lets pass before ``flip``. No search may run meanwhile."""
        self._tail.extend(count)

    def flip(self, update: Update) -> Numbers:
        """Let a staged update be seen: short, and not to be done while a search runs.

        Returns:
            The slots that a filter may see otherwise than before.
        """
        first, new = len(self.valid), len(update.rows)
        self.extend(first + new - len(self))
        self.stored.update(update.columns)
        for name, column in self.stored.items():
            column.extend(new)  # before: staging may have copied the values to a larger array
            column.put(update.patched, update.values[name])
        self.ids_by_slot.add(update.ids)
        self.documents.add(update.documents)
        self.documents.replace(dict(zip(update.patched.tolist(), update.replaced, strict=True)))
        self._valid.extend(new)
        self._valid.view[update.dead] = False
        self.unembedded -= update.embedded  # in place: there may be as many as products
        self.unembedded |= update.unembedded
        self.seq = update.seq
        return np.concatenate([update.dead, update.patched, np.arange(first, first + new)])
