"""What each of the write models opens when it is loaded."""

from __future__ import annotations

import os
from pathlib import Path

from catalogue.database import Deleted, Entry, Patch, Space
from catalogue.serving.connection import CATALOGUE, Connection
from catalogue.serving.operations import deletions, patches, upserts
from catalogue.serving.writer import Writer
from ensemble.settings import ProductSettings, SpaceSettings, read


def open_commits(folder: Path, release: int) -> Writer[Entry, int]:
    """Writes products with rows of the release's space.

    Args:
        folder: Has the release's ``settings.json``.
        release: Its number.

    Raises:
        DamagedRelease: ``settings.json`` cannot be read.
    """
    space = _space_of(folder)
    return Writer(_connection(space), upserts(space, release))


def open_patches(folder: Path) -> Writer[Patch, int]:
    """Changes products; what the release's texts are made of cannot be changed so.

    Args:
        folder: Has the release's ``settings.json``.

    Raises:
        DamagedRelease: ``settings.json`` cannot be read.
    """
    return Writer(_connection(_space_of(folder)), patches())


def open_deletions() -> Writer[str, Deleted]:
    """Deletes products."""
    return Writer(_connection(None), deletions())


def _connection(space: Space | None) -> Connection:
    connection = Connection(os.environ.get(CATALOGUE, ""), space)
    connection.try_now()
    return connection


def _space_of(folder: Path) -> Space:
    settings = folder / "settings.json"
    space = read(settings, "space", SpaceSettings)
    product = read(settings, "product", ProductSettings)
    return Space(space.space_id, space.text_dim, space.image_dim, product.text)
