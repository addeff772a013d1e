"""Pictures of a catalogue, read through fsspec and never from outside the catalogue's folder."""

from __future__ import annotations

import posixpath
from typing import Any
from urllib.parse import unquote

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
        self.folder: str = folder_of(path)
        self._max_bytes = max_bytes

    def resolve(self, image: str) -> str:
        """Path of a picture within the catalogue's file system.

        The judgement is by name: a link that the owner of the folder made inside it is followed.

        Raises:
            UnreadablePicture: The path leaves the catalogue's folder.
        """
        own = self._is_own_url(image)
        path = normalised(self._fs._strip_protocol(image) if own else posixpath.join(self.folder, image))
        # A web server takes %2e%2e for two dots.
        inside = all(is_below(self.folder, one) for one in (path, normalised(unquote(path))))
        if not inside or "\x00" in path or ("://" in image and not own):
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


def folder_of(location: str) -> str:
    """The folder of a file, as a path or a URL; of a web address without its query."""
    if location.startswith(("http://", "https://")):
        location = location.partition("?")[0].partition("#")[0]
    return normalised(location).rpartition("/")[0]


def normalised(path: str) -> str:
    """A path without ``.`` and ``..``; what stands before ``://`` stays, and so do its two slashes."""
    protocol, parted, rest = path.rpartition("://")
    return protocol + parted + posixpath.normpath(rest)


def is_below(folder: str, path: str) -> bool:
    """Whether a normalised path is inside a normalised folder."""
    return path.startswith(folder.rstrip("/") + "/")
