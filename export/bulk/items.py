"""Streams the products of a catalogue: those of a file, or those of one state of a database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from catalogue import BadRow, Columns, Pictures, Product, UnreadablePicture
from catalogue.database import Database, Stored
from catalogue.reading import iter_rows
from export.origin import OWN, SCHEMES, UPLOADED


@dataclass(frozen=True)
class Item:
    """A product that may be embedded.

    Args:
        row: Its row, as ``BadRow.row`` counts.
        product: The product.
        stored: The product as a database has it, where it came from one.
    """

    row: int
    product: Product
    stored: Stored | None = None

    @property
    def uploaded(self) -> str | None:
        """SHA-256, in hex, of the picture that came with it; None where none did."""
        return None if self.stored is None else self.stored.picture


@dataclass(frozen=True)
class PictureFolder:
    """Reads pictures by their paths, in this process or in a worker's.

    Args:
        location: The catalogue file that the paths start beside; None where there is none.
        max_bytes: Larger ones are cut off after one byte more.
    """

    location: str | None
    max_bytes: int

    def read(self, image: str) -> bytes:
        """Encoded bytes of a picture.

        Raises:
            UnreadablePicture: It is missing, cannot be read, or lies outside the folder.
        """
        if self.location is None:
            raise UnreadablePicture("a picture beside the catalogue's file; no file was ever loaded")
        return self._opened.read(image)

    @cached_property
    def _opened(self) -> Pictures:
        return Pictures(str(self.location), max_bytes=self.max_bytes)


class Source(Protocol):
    """Gives the products of one state of a catalogue, as often as it is asked."""

    @property
    def location(self) -> str:
        """Where products come from, without a password."""

    @property
    def identity(self) -> str:
        """What the catalogue is known by, whatever it holds."""

    @property
    def pictures(self) -> str | None:
        """The file that the paths of pictures start beside."""

    def items(self) -> Iterator[Item | list[BadRow]]:
        """Each product, or what is wrong with its row, streamed.

        Raises:
            CatalogueError: The file cannot be read.
        """

    def picture(self, item: Item, max_bytes: int) -> bytes | None:
        """The picture that came with a product; None where it has changed since and is gone."""


class FileSource:
    """A catalogue file.

    Args:
        location: A path, or a URL of fsspec.
        columns: Which column holds which field.
    """

    def __init__(self, location: str, columns: Columns) -> None:
        # Workers have other working folders.
        self.location = location if "://" in location else str(Path(location).absolute())
        self.identity = f"file {self.location}"
        self.pictures: str | None = self.location
        self._columns = columns

    def items(self) -> Iterator[Item | list[BadRow]]:
        """See ``Source.items``."""
        for row, made in iter_rows(self.location, self._columns):
            yield Item(row, made) if isinstance(made, Product) else made

    def picture(self, item: Item, max_bytes: int) -> bytes | None:
        """See ``Source.picture``: none comes with a row of a file."""
        return None


class DatabaseSource:
    """One state of a database, which is copied to a file, so that no transaction is open for the hours of a run.

    Args:
        database: It stays open as long as products are read.
        folder: For the copy.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database, self._copy = database, folder / "products.jsonl"
        self.location = database.url_shown
        self.identity = f"database {database.catalogue_id}"
        with database.reading() as reading, self._copy.open("w", encoding="utf-8") as file:
            self.pictures: str | None = reading.pictures_location()
            for stored in reading.products():
                line = [stored.product.as_dict(), stored.content, stored.picture]
                file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def items(self) -> Iterator[Item | list[BadRow]]:
        """See ``Source.items``."""
        with self._copy.open(encoding="utf-8") as file:
            for row, line in enumerate(file, start=1):
                fields, content, picture = json.loads(line)
                item = item_of(Stored(Product(**fields), content, picture), row)
                # As for a release: it names a picture, but nobody ever said where.
                if item.uploaded or not item.product.image or self.pictures:
                    yield item

    def picture(self, item: Item, max_bytes: int) -> bytes | None:
        """See ``Source.picture``."""
        return None if item.stored is None else self._database.picture(item.stored, max_bytes)


def item_of(stored: Stored, row: int = 0) -> Item:
    """A stored product as it is embedded: with a name for the picture that came with it."""
    if stored.picture is None:
        return Item(row, stored.product, stored)
    return Item(row, replace(stored.product, image=f"{UPLOADED}{stored.picture}"), stored)


@contextmanager
def source_of(catalogue: str, store: Path, columns: Columns) -> Iterator[Source]:
    """Of a file, of a database by its URL, or of the store's own database where neither is given.

    Args:
        catalogue: Path or URL; empty for the store's own database.
        store: The store.
        columns: Which column of a file holds which field.

    Raises:
        CatalogueError: The database is missing or cannot be reached.
    """
    if catalogue and not catalogue.startswith(SCHEMES):
        yield FileSource(catalogue, columns)
        return
    url = catalogue or f"sqlite:///{(store / OWN).resolve()}"
    with Database.open(url) as database, TemporaryDirectory(prefix="tandem-products-") as folder:
        yield DatabaseSource(database, Path(folder))
