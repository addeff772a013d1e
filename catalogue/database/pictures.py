"""Pictures of products: the bytes that came with some, and where the paths of the others start.

Bytes are kept once by their hash, as long as a product shows them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path

from sqlalchemy import Connection, delete, exists, select

from catalogue.database.schema import meta, pictures, products
from catalogue.database.statements import CHUNK, IDS, chunks, put
from catalogue.errors import BadEntry, shown
from catalogue.pictures import folder_of

_LOCATION = "pictures"
_KEYS = select(products.c.picture).where(products.c.id.in_(IDS), products.c.picture.is_not(None))


def keys_of(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Keys of the pictures that some products have."""
    found: set[str] = set()
    for part in chunks(ids):
        found.update(connection.execute(_KEYS, {"ids": part}).scalars())
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


def location_of(connection: Connection) -> str | None:
    """The catalogue file that the pictures' paths start beside; None where none was ever loaded."""
    return connection.execute(select(meta.c.value).where(meta.c.name == _LOCATION)).scalar()


def put_location(connection: Connection, location: str) -> None:
    """Let the pictures' paths start beside a catalogue file.

    Not where they do already: a file that changes nothing leaves the database as it is, byte by byte.
    """
    location = _absolute(location)
    if location_of(connection) != location:
        put(connection, meta, [{"name": _LOCATION, "value": location}])


def add_location(connection: Connection, location: str, brought: Collection[str]) -> None:
    """As ``put_location``, for a file that brings only some of the products; one without pictures changes nothing.

    Args:
        connection: In a write transaction, after the file's products were written.
        location: The file.
        brought: Its products.

    Raises:
        BadEntry: Paths of the other products would start in another folder too.
    """
    there = location_of(connection)
    if there is None or folder_of(there) == folder_of(_absolute(location)):
        put_location(connection, location)
        return
    own, other = _with_paths(connection, brought)
    if own and other:
        raise BadEntry(f"pictures of {location}", [_two_folders(there, _absolute(location), other)])
    if own:
        put_location(connection, location)


def _with_paths(connection: Connection, brought: Collection[str]) -> tuple[str, str]:
    """One product whose picture is at a path of those that a file brought, and one of the others; empty for none."""
    found = {True: "", False: ""}
    wanted = select(products.c.id, products.c.document).where(products.c.picture.is_(None))
    with connection.execute(wanted, execution_options={"yield_per": CHUNK}) as rows:
        for product_id, document in rows:
            if json.loads(document)["image"]:
                found[product_id in brought] = product_id
            if all(found.values()):
                break
    return found[True], found[False]


def _two_folders(there: str, new: str, other: str) -> str:
    return (
        f"their paths would start in {folder_of(new)}, and with them those of products that the file does not have, as "
        f"of {shown(other)}, which start in {folder_of(there)}; allowed: images in {folder_of(there)} and --pictures "
        f"{there}, or --replace, which removes the other products"
    )


def _absolute(location: str) -> str:
    return location if "://" in location else str(Path(location).absolute())
