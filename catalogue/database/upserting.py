"""Upserts: a batch in one transaction.

The entries are applied in their order in memory, each to the state that the ones before it left, and each with a number
of its own; what is left at the end is written in a few statements.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalogue.database.checking import check_picture, check_row, checked, document_of, unknown_space
from catalogue.database.columns import Columns
from catalogue.database.pictures import drop_unused, keys_of
from catalogue.database.reading import registered
from catalogue.database.schema import pictures, products, vectors
from catalogue.database.statements import put, put_missing
from catalogue.database.transactions import Transactions, Writing
from catalogue.database.values import Entry, Space, Vector
from catalogue.database.wholes import none_written, refused
from catalogue.errors import BadEntry, CatalogueError
from catalogue.product import Product


@dataclass(frozen=True)
class _Checked:
    """An entry in which nothing is wrong, as far as can be told without the database."""

    product: Product
    document: str
    picture: bytes | None
    vector: Vector | None


def upsert(transactions: Transactions, entries: Sequence[Entry], *, whole: bool) -> list[int | CatalogueError]:
    """See ``Database.upsert``."""
    able = [_checked(entry) for entry in entries]
    if not any(isinstance(one, _Checked) for one in able) or (whole and refused(able)):
        return none_written(able)
    with transactions.writing() as writing:
        batch = _Batch(writing)
        results: list[int | CatalogueError] = [one if isinstance(one, BadEntry) else batch.apply(one) for one in able]
        if whole and refused(results):
            writing.forget()
            return none_written(results)
        batch.write()
    return results


def _checked(entry: Entry) -> _Checked | BadEntry:
    try:
        product = checked(entry.product)
        document = document_of(product)
        if entry.picture:
            check_picture(product.id, entry.picture)
        return _Checked(product, document, entry.picture or None, entry.vector)
    except BadEntry as error:
        return error


class _Batch:
    """What a batch of upserts leaves to be written.

    Args:
        writing: The transaction.
    """

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._columns = Columns(writing.connection)
        self._spaces: Mapping[str, Space] = registered(writing.connection)
        self._products: dict[str, dict[str, Any]] = {}
        self._vectors: dict[tuple[str, str], dict[str, Any]] = {}
        self._pictures: dict[str, bytes] = {}

    def apply(self, entry: _Checked) -> int | BadEntry:
        """Its number, or why it is refused."""
        product = entry.product
        try:
            row = self._row(product.id, entry.vector)
            self._columns.take(product.id, product.attributes)
        except BadEntry as error:
            return error
        seq = self._writing.note(product.id, "upsert")
        key = self._picture(entry.picture)
        self._products[product.id] = {"id": product.id, "document": entry.document, "content": seq, "picture": key}
        if entry.vector is not None:
            place = (product.id, entry.vector.space_id)
            self._vectors[place] = {
                "product_id": product.id, "space_id": place[1], "seq": seq, "content": seq, "row": row,
            }  # fmt: skip
        return seq

    def write(self) -> None:
        """Write what is left."""
        connection = self._writing.connection
        former = keys_of(connection, list(self._products))
        kept = {row["picture"] for row in self._products.values()}
        put_missing(
            connection,
            pictures,
            [{"sha256": key, "data": data} for key, data in self._pictures.items() if key in kept],
        )
        put(connection, products, list(self._products.values()))
        put(connection, vectors, list(self._vectors.values()))
        drop_unused(connection, former)
        self._columns.write()

    def _row(self, product_id: str, vector: Vector | None) -> bytes | None:
        if vector is None:
            return None
        space = self._spaces.get(vector.space_id)
        if space is None:
            raise unknown_space(product_id, vector.space_id, self._spaces)
        return check_row(product_id, vector.row, space).tobytes()

    def _picture(self, data: bytes | None) -> str | None:
        if data is None:
            return None
        key = hashlib.sha256(data).hexdigest()
        self._pictures[key] = data
        return key
