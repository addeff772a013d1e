"""Whole catalogue files into the database, each in one transaction.

A product that is the same already is left alone: it keeps its content, its vectors, and its place in the journal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from catalogue.database.checking import document_of
from catalogue.database.columns import replace_columns
from catalogue.database.kinds import kinds_of, widened
from catalogue.database.patching import erase
from catalogue.database.pictures import add_location, drop_all_unused, put_location
from catalogue.database.reading import kinds_of_columns
from catalogue.database.schema import pictures, products
from catalogue.database.statements import CHUNK, put, put_missing
from catalogue.database.transactions import Transactions, Writing
from catalogue.errors import BadEntry, BadRow, BadRows, shown
from catalogue.product import Product
from catalogue.reading import Catalogue

Advance = Callable[[int], None]
PictureRows = Iterable[tuple[int, bytes]]

# A batch that holds pictures is closed by its bytes too: a thousand of them may be more than the memory.
BATCH_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Loaded:
    """What a catalogue file changed.

    Args:
        seq: The database's last sequence number afterwards.
        upserted: Products that were new or different.
        unchanged: Products that were the same already.
        deleted: Products that the file did not have.
    """

    seq: int
    upserted: int
    unchanged: int
    deleted: int


@dataclass(frozen=True)
class Part:
    """Some products of a file, in its order, as the database has them now.

    Args:
        start: Place of the first in the file.
        ids: The products.
        contents: Content of each.
        changed: Whether it was new or different.
    """

    start: int
    ids: tuple[str, ...]
    contents: tuple[int, ...]
    changed: tuple[bool, ...]


def unwatched(_count: int) -> None:
    """Nobody asks how far it is."""


def refused_rows(catalogue: Catalogue) -> list[BadRow]:
    """Products of a file that the database would refuse, to be told before long work begins."""
    problems = []
    for number, product in zip(catalogue.rows, catalogue.products, strict=True):
        try:
            document_of(product)
        except BadEntry as error:
            problems.append(_bad_row(number, product, error))
    return problems


def load(
    transactions: Transactions,
    catalogue: Catalogue,
    location: str,
    *,
    replace: bool,
    came: PictureRows,
    advance: Advance,
) -> Loaded:
    """Write the products of a file, in one transaction; those that are the same already are left alone.

    Args:
        transactions: The database.
        catalogue: The file's products.
        location: The catalogue file, beside which the paths of pictures start.
        replace: Remove the products that the file does not have.
        came: Pictures that the file itself holds, by row, in the order of the rows.
        advance: Told how many products have been looked at.

    Raises:
        BadRows: Products that cannot be kept; lists them all.
        BadEntry: Without ``replace``: paths of products that the file does not have would start in another folder.
        DatabaseError: Nothing was written.
    """
    with transactions.writing() as writing:
        loading = Loading(writing, catalogue, came)
        for part in loading.parts():
            advance(len(part.ids))
        return loading.finish(location, replace=replace)


class Loading:
    """A catalogue file on its way into the database.

    Args:
        writing: The transaction.
        catalogue: The file's products.
        came: Pictures that the file itself holds, by row, in the order of the rows.
    """

    def __init__(self, writing: Writing, catalogue: Catalogue, came: PictureRows = ()) -> None:
        self._writing = writing
        self._catalogue = catalogue
        self._came = _Came(writing.connection, came)
        self._problems: list[BadRow] = []
        self._upserted = 0

    def parts(self) -> Iterator[Part]:
        """Write the products, some at a time.

        Raises:
            BadRows: At the end, all that cannot be kept.
        """
        for start in range(0, len(self._catalogue.products), CHUNK):
            yield self._write(start, self._catalogue.products[start : start + CHUNK])
        if self._problems:
            raise BadRows(self._catalogue.location, self._problems)

    def finish(self, location: str, *, replace: bool) -> Loaded:
        """Bring everything else in line with the file, once all its products are written.

        Args:
            location: The file, beside which the paths of pictures start.
            replace: Remove the products that it does not have.

        Raises:
            BadEntry: See ``pictures.add_location``.
        """
        connection, given = self._writing.connection, self._catalogue.products
        gone: list[str] = []
        brought = {product.id for product in given}
        if replace:
            there = connection.execute(select(products.c.id).order_by(products.c.id)).scalars()
            gone = [product_id for product_id in there if product_id not in brought]
            for product_id in gone:
                self._writing.note(product_id, "delete")
            erase(connection, gone)
            put_location(connection, location)
        else:
            add_location(connection, location, brought)
        kinds = kinds_of(given)
        replace_columns(connection, kinds if replace else widened(kinds_of_columns(connection), kinds))
        drop_all_unused(connection)
        self._writing.number()
        return Loaded(self._writing.seq, self._upserted, len(given) - self._upserted, len(gone))

    def _write(self, start: int, part: Sequence[Product]) -> Part:
        came = self._came.until(self._catalogue.rows[start + len(part) - 1])
        there = self._there([product.id for product in part])
        rows, contents, changed = [], [], []
        for place, product in enumerate(part, start=start):
            document = self._document(place, product)
            key = came.get(self._catalogue.rows[place])
            content, *same = there.get(product.id, (0, None, None))
            changed.append(same != [document, key])
            if changed[-1]:
                content = self._writing.note(product.id, "upsert")
                rows.append({"id": product.id, "document": document, "content": content, "picture": key})
            contents.append(content)
        put(self._writing.connection, products, rows)
        self._writing.flush()
        self._upserted += len(rows)
        return Part(start, tuple(product.id for product in part), tuple(contents), tuple(changed))

    def _document(self, place: int, product: Product) -> str:
        try:
            return document_of(product)
        except BadEntry as error:
            self._problems.append(_bad_row(self._catalogue.rows[place], product, error))
            return ""

    def _there(self, ids: Sequence[str]) -> dict[str, tuple[int, str, str | None]]:
        wanted = select(products).where(products.c.id.in_(ids))
        return {row.id: (row.content, row.document, row.picture) for row in self._writing.connection.execute(wanted)}


class _Came:
    """Keys of pictures by row, taken as far as the products have come; the pictures are written on the way.

    Args:
        connection: In a write transaction.
        came: In the order of the rows.
    """

    def __init__(self, connection: Connection, came: PictureRows) -> None:
        self._connection = connection
        self._came = iter(came)
        self._next = next(self._came, None)

    def until(self, row: int) -> dict[int, str]:
        """The keys of the rows up to this one that have not been taken."""
        taken: dict[int, str] = {}
        waiting: dict[str, bytes] = {}
        while self._next is not None and self._next[0] <= row:
            number, picture = self._next
            taken[number] = hashlib.sha256(picture).hexdigest()
            waiting[taken[number]] = picture
            if sum(map(len, waiting.values())) > BATCH_BYTES:
                self._put(waiting)
            self._next = next(self._came, None)
        self._put(waiting)
        return taken

    def _put(self, waiting: dict[str, bytes]) -> None:
        put_missing(self._connection, pictures, [{"sha256": key, "data": data} for key, data in waiting.items()])
        waiting.clear()


def _bad_row(number: int, product: Product, error: BadEntry) -> BadRow:
    return BadRow(number, "product", shown(product.id), "; also ".join(error.problems))
