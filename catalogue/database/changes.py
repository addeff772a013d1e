"""What changed since a sequence number, as one space sees it.

The journal only tells which products changed; what they have become is read from the tables, in the same state as the
head. So a product that changed a hundred times is one change, and the result is the catalogue at that head.

The order, in which rows get their slots and so ties of scores are broken, is that of the vectors' numbers, then of the
products' contents: the same whether an index followed the journal or was built from everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, bindparam, case, func, or_, select, true

from catalogue.database.kinds import Kind
from catalogue.database.reading import head_of, kinds_of_columns
from catalogue.database.schema import columns, head, journal, products, vectors
from catalogue.database.statements import IDS, chunks
from catalogue.database.values import Change, Changes, Everything
from catalogue.errors import DatabaseUnusable, JournalTrimmed

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
        DatabaseUnusable: The last sequence number is gone.
    """
    seq, trimmed, kinds = _state(connection, address)
    if not trimmed <= after <= seq:
        raise JournalTrimmed(
            f"{address}: asked what changed after {after:,}, and the journal knows {trimmed:,} to {seq:,}; "
            "begin with everything"
        )
    if after == seq:
        return Changes(seq, (), kinds, all_rows)
    ids = connection.execute(_CHANGED, {"space_id": space_id, "after": after}).scalars().all()
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
    return connection.execute(_ALL, {"space_id": space_id}).scalars().all()


def _state(connection: Connection, address: str) -> tuple[int, int, dict[str, Kind]]:
    """The head, up to which number the journal has been trimmed, and the kind of every attribute."""
    rows = connection.execute(_STATE).all()
    if not rows:
        raise DatabaseUnusable(f"{address}: its last sequence number is gone")
    return rows[0].seq, rows[0].trimmed, {row.name: row.kind for row in rows if row.name is not None}


def _fetched(connection: Connection, ids: Sequence[str], space_id: str, after: int) -> Iterator[Change]:
    """With rows that were written after ``after``.

    Some at a time: sorting whole rows in the database would need as much room again on its disk.
    """
    for part in chunks(ids):
        found = {change.id: change for change in _some(connection, part, space_id, after)}
        for product_id in part:
            yield found.get(product_id) or Change(product_id, None, None)


def _some(connection: Connection, ids: Sequence[str], space_id: str, after: int) -> Iterator[Change]:
    values = {"ids": ids, "space_id": space_id, "after": after}
    for product_id, document, data in connection.execute(_ROWS, values):
        yield Change(product_id, document.encode(), None if data is None else np.frombuffer(data, "<f2"))


def _in_order(source: FromClause, key: ColumnElement[str]) -> Select[str]:
    """Ids of products, or of those that a join adds products to."""
    order = func.coalesce(vectors.c.seq, 0), func.coalesce(products.c.content, 0), key
    return select(key).select_from(source.outerjoin(vectors, _own(key))).order_by(*order)


def _changed() -> Select[str]:
    seen = or_(journal.c.space_id.is_(None), journal.c.space_id == bindparam("space_id"))
    recent = select(journal.c.product_id.label("id")).where(journal.c.seq > bindparam("after"), seen)
    changed = recent.distinct().subquery()
    return _in_order(changed.outerjoin(products, products.c.id == changed.c.id), changed.c.id)


def _rows() -> Select[str, str, bytes | None]:
    row = case((vectors.c.seq > bindparam("after"), vectors.c.row), (vectors.c.seq.is_(None), NO_ROW))
    wanted = select(products.c.id, products.c.document, row)
    return wanted.select_from(products.outerjoin(vectors, _own(products.c.id))).where(products.c.id.in_(IDS))


def _own(key: ColumnElement[str]) -> ColumnElement[bool]:
    """The vector of a product in the space that is asked for."""
    return and_(vectors.c.product_id == key, vectors.c.space_id == bindparam("space_id"))


# Made once: to make one anew takes longer than to run it for a single change.
_STATE = (
    select(head.c.seq, head.c.trimmed, columns.c.name, columns.c.kind)
    .select_from(head.outerjoin(columns, true()))
    # PostgreSQL takes a table that was never analysed for a large one, and compiles a join of two such for long.
    .where(head.c.one == 1)
    .order_by(columns.c.name)
)
_CHANGED, _ALL, _ROWS = _changed(), _in_order(products, products.c.id), _rows()
