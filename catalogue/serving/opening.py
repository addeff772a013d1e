"""What each of the write models opens when it is loaded."""

from __future__ import annotations

import os
from pathlib import Path

from catalogue.database import Deleted, Entry, Patch, Space
from catalogue.serving.connection import Connection
from catalogue.serving.operations import deletions, patches, upserts
from catalogue.serving.writer import Writer
from ensemble.index.snapshot import catalogue_of
from ensemble.settings import ProductSettings, SpaceSettings, read
from ensemble.variables import CATALOGUE


def open_commits(folder: Path, release: int) -> Writer[Entry, int]:
    """Writes products with rows of the release's space.

    Args:
        folder: The model's own, of the release's number; it has the release's ``settings.json``.
        release: The number.

    Raises:
        DamagedRelease: ``settings.json`` cannot be read.
    """
    space = _space_of(folder)
    return Writer(_connection(folder, space), upserts(space, release))


def open_patches(folder: Path) -> Writer[Patch, int]:
    """Changes products; what the release's texts are made of cannot be changed so.

    Args:
        folder: Has the release's ``settings.json``.

    Raises:
        DamagedRelease: ``settings.json`` cannot be read.
    """
    return Writer(_connection(folder, _space_of(folder)), patches())


def open_deletions(folder: Path) -> Writer[str, Deleted]:
    """Deletes products.

    Args:
        folder: The model's own, of the release's number.
    """
    return Writer(_connection(folder, None), deletions())


def _connection(folder: Path, space: Space | None) -> Connection:
    connection = Connection(os.environ.get(CATALOGUE, ""), space, _catalogue_of(folder))
    connection.try_now()
    return connection


def _catalogue_of(folder: Path) -> str | None:
    """The catalogue that the release follows, as its index tells, which lies beside: `retrieve` of the same number.

    None where it cannot be read: then `retrieve` is not served, and tells why.
    """
    return catalogue_of(folder.parents[1] / "retrieve" / folder.name / "index") or None


def _space_of(folder: Path) -> Space:
    settings = folder / "settings.json"
    space = read(settings, "space", SpaceSettings)
    product = read(settings, "product", ProductSettings)
    return Space(space.space_id, space.text_dim, space.image_dim, product.text)
