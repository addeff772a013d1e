"""Gives vectors to the database of a shop that is served, for products that are still what they were made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalogue.database import Database, Embedded, Stored
from ensemble.settings import ProductSettings
from export.bulk.contents import contents_of
from export.bulk.items import PictureFolder, item_of
from export.bulk.vectors import Vectors

# A transaction each: other writers come in between.
ROWS = 1_000

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Deposited:
    """What became of the products that had no vector of their present content.

    Args:
        space_id: The space.
        written: They have one now.
        lacking: They were not embedded as they are now: the keeper of a served shop embeds them.
    """

    space_id: str
    written: int
    lacking: int


def deposit(folder: Path, catalogue: str, start: Callable[[int], Advance]) -> Deposited:
    """Write vectors of a folder that is whole, so that every index that follows the database takes them.

    Products that have a vector of their present content are left alone.

    Args:
        folder: Of shards.
        catalogue: URL of the database.
        start: Told how many products lack a vector; gives what is told of each that was looked at.

    Raises:
        BadVectors: The folder is not whole.
        CatalogueError: The database cannot be reached or written, or knows the space with other dimensions or fields.
    """
    vectors, manifest = Vectors.open(folder)
    space = manifest.space
    written = seen = 0
    with Database.open(catalogue) as database:
        database.register(space)
        with database.reading() as reading:
            pictures = PictureFolder(reading.pictures_location(), manifest.max_picture_bytes)
            advance = start(reading.count_unembedded(space.space_id))
        for some in _lacking(database, space.space_id):
            contents = contents_of([item_of(stored) for stored in some], ProductSettings(space.text_fields), pictures)
            known = [(stored, content) for stored, content in zip(some, contents, strict=True) if content in vectors]
            rows = vectors.rows([content for _, content in known])
            made = [
                Embedded(stored.product.id, stored.content, row) for (stored, _), row in zip(known, rows, strict=True)
            ]
            written += sum(seq is not None for seq in database.embed(space.space_id, made))
            seen += len(some)
            advance(len(some))
    return Deposited(space.space_id, written, seen - written)


def _lacking(database: Database, space_id: str) -> Iterator[Sequence[Stored]]:
    after = 0
    while some := database.unembedded(space_id, ROWS, after=after):
        yield some
        after = some[-1].content
