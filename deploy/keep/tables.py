"""What the keeper asks the catalogue's tables for."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, or_, select

from catalogue.database import Database, Reading, Stored
from catalogue.database.schema import head, products, vectors

# What a document that is no product can raise on its way to one.
_UNFIT = (ValueError, TypeError, AttributeError)


@dataclass(frozen=True)
class Unfit:
    """A row of the products' table that is no product: somebody else's SQL wrote it.

    Args:
        id: Its id.
        content: Its content.
        problem: What is wrong with it.
    """

    id: str
    content: int
    problem: str


def lacking(database: Database, space_id: str, limit: int, *, after: int) -> list[Stored] | Unfit:
    """Products that have no row of their present content in a space, the oldest first.

    Args:
        database: The catalogue.
        space_id: The space.
        limit: At most so many; fewer where one further on is unfit.
        after: Only those whose content is newer than this.

    Returns:
        The products, or the first of them where it is unfit.

    Raises:
        DatabaseError: The database is away.
    """
    with database.reading() as reading:
        while True:
            try:
                return reading.unembedded(space_id, limit, after=after)
            except _UNFIT as error:
                if limit == 1:
                    return _first(reading, space_id, after, f"{type(error).__name__}: {error}")
                limit //= 2


def reach(database: Database) -> tuple[int, int]:
    """The head of the journal, and up to which number it has been trimmed, of one state.

    Raises:
        DatabaseError: The database is away.
    """
    with database.reading() as reading:
        trimmed: int = reading.connection.execute(select(head.c.trimmed)).scalar_one()
        return reading.seq, trimmed


def _first(reading: Reading, space_id: str, after: int, problem: str) -> Unfit:
    own = and_(vectors.c.product_id == products.c.id, vectors.c.space_id == space_id)
    lacks = or_(vectors.c.content.is_(None), vectors.c.content < products.c.content)
    source = select(products.c.id, products.c.content).select_from(products.outerjoin(vectors, own))
    wanted = source.where(lacks, products.c.content > after).order_by(products.c.content).limit(1)
    row = reading.connection.execute(wanted).one()
    return Unfit(row.id, row.content, problem)
