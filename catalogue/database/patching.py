"""Patches and deletions: a batch in one transaction, applied in its order in memory like upserts."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, select, update

from catalogue.database.checking import check_id
from catalogue.database.columns import Columns
from catalogue.database.patches import check_text_fields, checked_patch, patched
from catalogue.database.pictures import drop_unused, keys_of
from catalogue.database.reading import product_of, registered
from catalogue.database.schema import products, vectors
from catalogue.database.statements import IDS, chunks
from catalogue.database.transactions import Transactions, Writing
from catalogue.database.values import Deleted, Patch
from catalogue.database.wholes import none_written, refused
from catalogue.errors import BadEntry, CatalogueError, UnknownProduct, shown
from catalogue.product import Product

_DOCUMENTS = select(products.c.id, products.c.document).where(products.c.id.in_(IDS))
_UPDATE = update(products).where(products.c.id == bindparam("key")).values(document=bindparam("text"))


def patch(transactions: Transactions, patches: Sequence[Patch], *, whole: bool) -> list[int | CatalogueError]:
    """See ``Database.patch``."""
    able = [_checked(one) for one in patches]
    good = [one for one in able if isinstance(one, Patch)]
    if not good or (whole and refused(able)):
        return none_written(able)
    with transactions.writing() as writing:
        batch = _Batch(writing, [one.id for one in good])
        results: list[int | CatalogueError] = [one if isinstance(one, BadEntry) else batch.apply(one) for one in able]
        if whole and refused(results):
            writing.forget()
            return none_written(results)
        batch.write()
    return results


def remove(transactions: Transactions, ids: Sequence[str]) -> list[Deleted]:
    """See ``Database.delete``."""
    asked = [check_id(product_id) for product_id in ids]
    if not asked:
        return []
    with transactions.writing() as writing:
        there = set(_documents(writing.connection, asked))
        results = []
        for product_id in asked:
            found = product_id in there
            there.discard(product_id)
            results.append(Deleted(writing.note(product_id, "delete") if found else writing.seq, found))
        erase(writing.connection, [product_id for product_id, one in zip(asked, results, strict=True) if one.found])
    return results


def erase(connection: Connection, ids: Sequence[str]) -> None:
    """Remove products with their vectors, and the pictures that only they had."""
    keys = keys_of(connection, ids)
    for part in chunks(ids):
        connection.execute(delete(vectors).where(vectors.c.product_id.in_(part)))
        connection.execute(delete(products).where(products.c.id.in_(part)))
    drop_unused(connection, keys)


def _checked(patch: Patch) -> Patch | BadEntry:
    try:
        return checked_patch(patch)
    except BadEntry as error:
        return error


class _Batch:
    """What a batch of patches leaves to be written.

    Args:
        writing: The transaction.
        ids: The products.
    """

    def __init__(self, writing: Writing, ids: Sequence[str]) -> None:
        self._writing = writing
        self._columns = Columns(writing.connection)
        self._text_fields = {field for space in registered(writing.connection).values() for field in space.text_fields}
        self._documents = _documents(writing.connection, ids)
        self._products: dict[str, Product] = {}
        self._changed: dict[str, str] = {}

    def apply(self, patch: Patch) -> int | BadEntry:
        """Its number, or why it is refused."""
        if patch.id not in self._documents:
            return UnknownProduct(
                f"patch of product {shown(patch.id)}", ["there is no such product; add it with upsert"]
            )
        try:
            check_text_fields(patch, self._text_fields)
            product, document = patched(self._product(patch.id), patch)
            given = {name: value for name, value in patch.changes.get("attributes", {}).items() if value is not None}
            self._columns.take(patch.id, given)
        except BadEntry as error:
            return error
        self._products[patch.id], self._changed[patch.id] = product, document
        return self._writing.note(patch.id, "patch")

    def write(self) -> None:
        """Write what is left."""
        if self._changed:
            rows = [{"key": product_id, "text": document} for product_id, document in self._changed.items()]
            self._writing.connection.execute(_UPDATE, rows)
        self._columns.write()

    def _product(self, product_id: str) -> Product:
        return self._products.get(product_id) or product_of(self._documents[product_id])


def _documents(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in chunks(ids):
        found.update((row.id, row.document) for row in connection.execute(_DOCUMENTS, {"ids": part}))
    return found
