"""Rows that an index already holds when they are written: those of a release.

The journal need not tell that index of them. It tells of those that differ from what is there, where the space was
known before the state that the index was made from: then other indexes may follow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from catalogue.database.checking import check_row
from catalogue.database.embedding import contents_of, found_space
from catalogue.database.schema import spaces, vectors
from catalogue.database.statements import chunks, put
from catalogue.database.transactions import Transactions, Writing
from catalogue.database.values import Embedded, Space


@dataclass(frozen=True)
class Made:
    """A row of a product.

    Args:
        product_id: The product.
        content: What it was made of.
        row: float16, little-endian.
        seq: The number by which the journal tells of the product in this transaction; None where it does not.
    """

    product_id: str
    content: int
    row: bytes
    seq: int | None = None


def deposit(transactions: Transactions, space_id: str, rows: Sequence[Embedded], seq: int) -> list[bool]:
    """See ``Database.deposit``."""
    if not rows:
        return []
    with transactions.writing() as writing:
        space = found_space(writing.connection, space_id)
        contents = contents_of(writing.connection, [one.id for one in rows])
        made = {one.id: Made(one.id, one.content, check_row(one.id, one.row, space).tobytes()) for one in rows}
        current = [one for one in made.values() if contents.get(one.product_id) == one.content]
        Deposit(writing, space, seq).write(current)
    return [contents.get(one.id) == one.content for one in rows]


class Deposit:
    """Writes the rows of an index.

    Args:
        writing: The transaction.
        space: The space of the rows.
        seq: The state that the index is made from.
    """

    def __init__(self, writing: Writing, space: Space, seq: int) -> None:
        self._writing, self._space_id, self._seq = writing, space.space_id, seq
        since = select(spaces.c.since).where(spaces.c.space_id == space.space_id)
        self._followed: bool = writing.connection.execute(since).scalar_one() < seq

    def write(self, rows: Sequence[Made]) -> None:
        """Write those that differ from what is there; each product once."""
        there = self._there([one.product_id for one in rows])
        differing = [one for one in rows if there.get(one.product_id) != (one.content, one.row)]
        put(
            self._writing.connection,
            vectors,
            [
                {
                    "product_id": one.product_id,
                    "space_id": self._space_id,
                    "seq": self._seq_of(one),
                    "content": one.content,
                    "row": one.row,
                }
                for one in differing
            ],
        )

    def _seq_of(self, one: Made) -> int:
        if one.seq is not None:
            return one.seq
        return self._writing.note(one.product_id, "embed", self._space_id) if self._followed else self._seq

    def _there(self, ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        found: dict[str, tuple[int, bytes]] = {}
        for part in chunks(ids):
            wanted = select(vectors.c.product_id, vectors.c.content, vectors.c.row).where(
                vectors.c.space_id == self._space_id, vectors.c.product_id.in_(part)
            )
            found.update((name, (content, row)) for name, content, row in self._writing.connection.execute(wanted))
        return found
