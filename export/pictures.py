"""Where an export reads pictures from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from catalogue import UnreadablePicture
from catalogue.database import Database, Stored


class PictureSource(Protocol):
    """Reads the pictures of products."""

    @property
    def folder(self) -> str:
        """Where they are, for the manifest."""

    def read(self, image: str) -> bytes:
        """Encoded bytes of the picture that a product names.

        Raises:
            UnreadablePicture: It is missing or cannot be read.
        """


class PictureGone(UnreadablePicture):
    """The product was changed or deleted since it was read, and its picture with it."""


@dataclass(frozen=True)
class StoredPictures:
    """Pictures of a database: those that came with their products, and those in the folder of the catalogue's file.

    Args:
        database: It is open as long as pictures are read.
        stored: The products that have a picture, by the name that ``read`` is asked for.
        max_bytes: Larger ones are cut off after one byte more.
        kept: A folder for those that came with their products: what has been read once can be read again, whatever
            becomes of the product.
    """

    database: Database
    stored: Mapping[str, Stored]
    max_bytes: int
    kept: Path

    @property
    def folder(self) -> str:
        """The database, without its password."""
        return self.database.url_shown

    def read(self, image: str) -> bytes:
        """See ``PictureSource.read``.

        Raises:
            PictureGone: It came with a product that has changed since, and was not read before.
        """
        stored = self.stored[image]
        copy = None if stored.picture is None else self.kept / stored.picture
        if copy is not None and copy.is_file():
            return copy.read_bytes()
        picture = self.database.picture(stored, self.max_bytes)
        if picture is None:
            raise PictureGone(f"a picture that the database still has; {image} is gone")
        if copy is not None:
            copy.write_bytes(picture)
        return picture
