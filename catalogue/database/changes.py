"""What changed since a sequence number, as one space sees it.

The journal only tells which products changed; what they have become is read from the tables, in the same state as the
head. So a product that changed a hundred times is one change, and the result is the catalogue at that head.

The order, in which rows get their slots and so ties of scores are broken, is that of the vectors' numbers, then of the
products' contents: the same whether an index followed the journal or was built from everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from sqlalchemy import ColumnElement, Connection, FromClause, and_, case, func, or_, select

from catalogue.database.reading import head_of, kinds_of_columns
from catalogue.database.schema import head, journal, products, vectors
from catalogue.database.statements import chunks
from catalogue.database.values import Change, Changes, Everything
from catalogue.errors import JournalTrimmed

# Of a product that has no row at all: one that was deleted and put back must not keep the row it had.
NO_ROW = b""


def changes_of(connection: Connection, space_id: str, after: int, address: str, *, all_rows: bool = False) -> Changes:
    """What changed after a number, in one state.

    Args:
        connection: In a read transaction.
        space_id: Whose rows are wanted.
        after: The number.
        address: The database, for the error.
        all_rows: Whether a product that changed comes with its row, where it has one, also where that did not change.

    Raises:
        JournalTrimmed: The journal does not reach back so far, or ends before.
    """
    seq, trimmed = connection.execute(select(head.c.seq, head.c.trimmed)).one()
    if not trimmed <= after <= seq:
        raise JournalTrimmed(
            f"{address}: asked what changed after {after:,}, and the journal knows {trimmed:,} to {seq:,}; "
            "begin with everything"
        )
    kinds = kinds_of_columns(connection)
    if after == seq:
        return Changes(seq, (), kinds, all_rows)
    seen = or_(journal.c.space_id.is_(None), journal.c.space_id == space_id)
    changed = select(journal.c.product_id.label("id")).where(journal.c.seq > after, seen).distinct().subquery()
    source = changed.outerjoin(products, products.c.id == changed.c.id)
    ids = _in_order(connection, source, changed.c.id, space_id)
    rows_after = -1 if all_rows else after
    return Changes(seq, tuple(_fetched(connection, ids, space_id, rows_after)), kinds, all_rows)


def everything_of(connection: Connection, space_id: str) -> Everything:
    """The whole catalogue in one state; every row that there is, also of a former content.

    Args:
        connection: In a read transaction, which must last until all is read.
        space_id: Whose rows are wanted.
    """
    seq = head_of(connection)
    ids = order_of(connection, space_id)
    return Everything(seq, len(ids), _fetched(connection, ids, space_id, after=-1), kinds_of_columns(connection))


def order_of(connection: Connection, space_id: str) -> Sequence[str]:
    """Ids of all products, in the order in which rows get their slots."""
    return _in_order(connection, products, products.c.id, space_id)


def _in_order(connection: Connection, source: FromClause, key: ColumnElement[str], space_id: str) -> Sequence[str]:
    """Ids of products, or of those that a join adds products to."""
    own = and_(vectors.c.product_id == key, vectors.c.space_id == space_id)
    order = func.coalesce(vectors.c.seq, 0), func.coalesce(products.c.content, 0), key
    wanted = select(key).select_from(source.outerjoin(vectors, own)).order_by(*order)
    return connection.execute(wanted).scalars().all()


def _fetched(connection: Connection, ids: Sequence[str], space_id: str, after: int) -> Iterator[Change]:
    """With rows that were written after ``after``.

    Some at a time: sorting whole rows in the database would need as much room again on its disk.
    """
    for part in chunks(ids):
        found = {change.id: change for change in _some(connection, part, space_id, after)}
        for product_id in part:
            yield found.get(product_id) or Change(product_id, None, None)


def _some(connection: Connection, ids: Sequence[str], space_id: str, after: int) -> Iterator[Change]:
    row = case((vectors.c.seq > after, vectors.c.row), (vectors.c.seq.is_(None), NO_ROW))
    own = and_(vectors.c.product_id == products.c.id, vectors.c.space_id == space_id)
    wanted = select(products.c.id, products.c.document, row).select_from(products.outerjoin(vectors, own))
    for product_id, document, data in connection.execute(wanted.where(products.c.id.in_(ids))):
        yield Change(product_id, document.encode(), None if data is None else np.frombuffer(data, "<f2"))
