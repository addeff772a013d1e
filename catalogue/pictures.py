"""Pictures of a catalogue, read through fsspec and never from outside the catalogue's folder."""

from __future__ import annotations

import posixpath
from typing import Any

import fsspec

from catalogue.errors import UnreadablePicture


class Pictures:
    """The folder of a catalogue, where the pictures' paths start.

    Args:
        location: The catalogue file, as a path or a URL.
        max_bytes: Larger files are cut off after one byte more, so that who decodes them sees that they are too large.
    """

    def __init__(self, location: str, *, max_bytes: int) -> None:
        self._fs: Any
        self._fs, path = fsspec.core.url_to_fs(location)
        self.folder: str = posixpath.dirname(posixpath.normpath(path))
        self._max_bytes = max_bytes

    def resolve(self, image: str) -> str:
        """Path of a picture within the catalogue's file system.

        The judgement is by name: a link that the owner of the folder made inside it is followed.

        Raises:
            UnreadablePicture: The path leaves the catalogue's folder.
        """
        path = self._fs._strip_protocol(image) if self._is_own_url(image) else image
        path = posixpath.normpath(posixpath.join(self.folder, path))
        inside = path.startswith(self.folder.rstrip("/") + "/")
        if not inside or "\x00" in path or ("://" in image and not self._is_own_url(image)):
            raise UnreadablePicture(f"a path below the catalogue's folder {self.folder}")
        return path

    def read(self, image: str) -> bytes:
        """Encoded bytes of a picture, at most ``max_bytes`` + 1.

        Raises:
            UnreadablePicture: It leaves the folder, is missing, or cannot be read.
        """
        path = self.resolve(image)
        try:
            with self._fs.open(path, "rb") as file:
                data: bytes = file.read(self._max_bytes + 1)
        except FileNotFoundError:
            raise UnreadablePicture(f"a file that exists; there is none at {path}") from None
        except OSError as error:
            raise UnreadablePicture(f"a file that can be read; {path}: {error}") from error
        return data

    def _is_own_url(self, image: str) -> bool:
        protocols = (self._fs.protocol,) if isinstance(self._fs.protocol, str) else self._fs.protocol
        return image.startswith(tuple(f"{protocol}://" for protocol in protocols))
