"""What one state of the database holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from sqlalchemy import Connection, Join, RowMapping, Select, and_, func, or_, select

from catalogue.database.kinds import Kind
from catalogue.database.pictures import location_of
from catalogue.database.schema import columns, head, journal, products, spaces, vectors
from catalogue.database.statements import CHUNK, chunks
from catalogue.database.values import JournalEntry, JournalKind, Space, Stored
from catalogue.product import Product


class Reading:
    """One state of a catalogue, as long as its transaction is open.

    Args:
        connection: In a transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.seq = head_of(connection)
        self.kinds: Mapping[str, Kind] = kinds_of_columns(connection)
        self.spaces: Mapping[str, Space] = registered(connection)

    def products(self) -> Iterator[Stored]:
        """All products, streamed, in the order of their contents."""
        return stream(self.connection, _stored().order_by(products.c.content, products.c.id))

    def stored(self, ids: Iterable[str]) -> list[Stored]:
        """The products of these ids, in their order; those that are not there are left out."""
        asked = list(dict.fromkeys(ids))
        found = {one.product.id: one for part in chunks(asked) for one in self._some(part)}
        return [found[product_id] for product_id in asked if product_id in found]

    def unembedded(self, space_id: str, limit: int, *, after: int = 0) -> list[Stored]:
        """Products that have no row of their present content in a space, the oldest first.

        Args:
            space_id: The space.
            limit: At most so many.
            after: Only those whose content is newer than this.
        """
        lacking = _stored().select_from(_with_vectors(space_id)).where(_LACKING, products.c.content > after)
        return [
            made(row) for row in self.connection.execute(lacking.order_by(products.c.content).limit(limit)).mappings()
        ]

    def count(self) -> int:
        """How many products there are."""
        return self._count(select(func.count()).select_from(products))

    def count_unembedded(self, space_id: str) -> int:
        """How many products have no row of their present content in a space."""
        return self._count(select(func.count()).select_from(_with_vectors(space_id)).where(_LACKING))

    def journal_size(self) -> tuple[int, int]:
        """How many entries the journal has, and up to which number it has been trimmed."""
        trimmed = self.connection.execute(select(head.c.trimmed)).scalar_one()
        return self._count(select(func.count()).select_from(journal)), trimmed

    def entries(self, after: int, limit: int) -> list[JournalEntry]:
        """Lines of the journal, the oldest first."""
        wanted = select(journal).where(journal.c.seq > after).order_by(journal.c.seq).limit(limit)
        return [
            JournalEntry(row.seq, row.product_id, cast("JournalKind", row.kind), row.space_id, row.at)
            for row in self.connection.execute(wanted)
        ]

    def pictures_location(self) -> str | None:
        """The catalogue file that the pictures' paths start beside."""
        return location_of(self.connection)

    def _some(self, ids: Sequence[str]) -> Iterator[Stored]:
        return stream(self.connection, _stored().where(products.c.id.in_(ids)))

    def _count(self, query: Select[int]) -> int:
        return self.connection.execute(query).scalar_one()


_LACKING = or_(vectors.c.content.is_(None), vectors.c.content < products.c.content)
# What every transaction reads.
_HEAD = select(head.c.seq)
_COLUMNS = select(columns.c.name, columns.c.kind).order_by(columns.c.name)
_SPACES = select(spaces).order_by(spaces.c.space_id)


def head_of(connection: Connection) -> int:
    """The last sequence number. Read first: it begins the state that all later statements see."""
    seq: int = connection.execute(_HEAD).scalar_one()
    return seq


def kinds_of_columns(connection: Connection) -> dict[str, Kind]:
    """The kind of every attribute."""
    return {name: cast("Kind", kind) for name, kind in connection.execute(_COLUMNS)}


def registered(connection: Connection) -> dict[str, Space]:
    """The spaces that vectors may be of."""
    rows = connection.execute(_SPACES)
    return {
        row.space_id: Space(row.space_id, row.text_dim, row.image_dim, tuple(json.loads(row.text_fields)))
        for row in rows
    }


def product_of(document: str) -> Product:
    """A product from its document."""
    return Product(**json.loads(document))


def made(row: RowMapping) -> Stored:
    """A product from its row."""
    return Stored(product_of(row["document"]), row["content"], row["picture"])


def stream(connection: Connection, query: Select[str, int, str | None]) -> Iterator[Stored]:
    """Products of a query, some rows at a time."""
    with connection.execute(query, execution_options={"yield_per": CHUNK}) as rows:
        for row in rows.mappings():
            yield made(row)


def _stored() -> Select[str, int, str | None]:
    return select(products.c.document, products.c.content, products.c.picture)


def _with_vectors(space_id: str) -> Join:
    return products.outerjoin(vectors, and_(vectors.c.product_id == products.c.id, vectors.c.space_id == space_id))
