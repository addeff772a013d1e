"""Pictures that came with a product, kept once by their hash as long as a product shows them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, delete, exists, select

from catalogue.database.schema import pictures, products
from catalogue.database.statements import chunks


def keys_of(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Keys of the pictures that some products have."""
    found: set[str] = set()
    for part in chunks(ids):
        wanted = select(products.c.picture).where(products.c.id.in_(part), products.c.picture.is_not(None))
        found.update(connection.execute(wanted).scalars())
    return found


def drop_unused(connection: Connection, keys: Collection[str]) -> None:
    """Remove those of some pictures that no product has any more."""
    used = exists().where(products.c.picture == pictures.c.sha256)
    for part in chunks(sorted(keys)):
        connection.execute(delete(pictures).where(pictures.c.sha256.in_(part), ~used))


def drop_all_unused(connection: Connection) -> None:
    """Remove every picture that no product has any more."""
    connection.execute(delete(pictures).where(~exists().where(products.c.picture == pictures.c.sha256)))


def bytes_of(connection: Connection, key: str) -> bytes | None:
    """A picture's encoded bytes; None where it is gone."""
    data: bytes | None = connection.execute(select(pictures.c.data).where(pictures.c.sha256 == key)).scalar()
    return data
