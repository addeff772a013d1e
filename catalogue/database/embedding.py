"""Spaces, and vectors that are made after their product was written."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from catalogue.database.checking import check_row
from catalogue.database.reading import head_of, registered
from catalogue.database.schema import products, spaces, vectors
from catalogue.database.statements import chunks, put
from catalogue.database.transactions import Transactions
from catalogue.database.values import Embedded, Space
from catalogue.errors import BadEntry, plain


def register(connection: Connection, space: Space) -> None:
    """Add a space, where it is not there.

    Raises:
        BadEntry: It is there with other dimensions or text fields.
    """
    there = registered(connection).get(space.space_id)
    if there is None:
        values = {"text_dim": space.text_dim, "image_dim": space.image_dim, "since": head_of(connection)}
        fields = json.dumps(space.text_fields)
        connection.execute(insert(spaces).values(space_id=space.space_id, text_fields=fields, **values))
    elif there != space:
        raise BadEntry(f"space {plain(space.space_id)}", [f"{space}; allowed: as it is registered, {there}"])


def found_space(connection: Connection, space: Space | str) -> Space:
    """A space that is registered with this, or the one of this id.

    Raises:
        BadEntry: There is none of this id, or it is there with other dimensions or text fields.
    """
    if isinstance(space, Space):
        register(connection, space)
        return space
    known = registered(connection)
    if space not in known:
        raise BadEntry(f"space {plain(space)}", ["is not registered; register it first"])
    return known[space]


def forget(connection: Connection, space_id: str) -> bool:
    """Remove a space with all its vectors; whether it was there."""
    connection.execute(delete(vectors).where(vectors.c.space_id == space_id))
    return connection.execute(delete(spaces).where(spaces.c.space_id == space_id)).rowcount > 0


def embed(transactions: Transactions, space_id: str, rows: Sequence[Embedded]) -> list[int | None]:
    """See ``Database.embed``."""
    if not rows:
        return []
    with transactions.writing() as writing:
        space = found_space(writing.connection, space_id)
        contents = contents_of(writing.connection, [one.id for one in rows])
        results: list[int | None] = []
        made: dict[str, dict[str, object]] = {}
        for one in rows:
            row = check_row(one.id, one.row, space).tobytes()
            current = contents.get(one.id) == one.content
            results.append(writing.note(one.id, "embed", space_id) if current else None)
            if current:
                place = {"product_id": one.id, "space_id": space_id}
                made[one.id] = {**place, "seq": results[-1], "content": one.content, "row": row}
        put(writing.connection, vectors, list(made.values()))
    return results


def contents_of(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    """Content of each product that is there."""
    found: dict[str, int] = {}
    for part in chunks(ids):
        wanted = select(products.c.id, products.c.content).where(products.c.id.in_(part))
        found.update((row.id, row.content) for row in connection.execute(wanted))
    return found
