"""Where an export reads pictures from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class StoredPictures:
    """Pictures of a database: those that came with their products, and those in the folder of the catalogue's file.

    Args:
        database: It is open as long as pictures are read.
        stored: The products that have a picture, by the name that ``read`` is asked for.
        max_bytes: Larger ones are cut off after one byte more.
    """

    database: Database
    stored: Mapping[str, Stored]
    max_bytes: int

    @property
    def folder(self) -> str:
        """The database, without its password."""
        return self.database.url_shown

    def read(self, image: str) -> bytes:
        """See ``PictureSource.read``."""
        picture = self.database.picture(self.stored[image], self.max_bytes)
        if picture is None:
            raise UnreadablePicture(f"a picture that the database still has; {image} is gone")
        return picture
