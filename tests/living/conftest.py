"""A tiny shop whose index lives: a real release with a catalogue of its own, of towers that run in a moment."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ensemble.pipeline import Encoders
from tests.export.conftest import Make, make, shop, sources, towers
from tests.postgres import Postgres, own

__all__ = ["make", "shop", "sources", "towers"]


@pytest.fixture(scope="session")
def released(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one release; not to be changed."""
    folder = tmp_path_factory.mktemp("living") / "var"
    make(folder)
    return folder


@pytest.fixture(scope="session")
def encoders(released: Path) -> Encoders:
    """The release's towers, in this process."""
    return Encoders.open(released / "models", 1)


@pytest.fixture
def store(released: Path, tmp_path: Path) -> Path:
    """A store of its own, which may be changed."""
    return shutil.copytree(released, tmp_path / "var", symlinks=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server, not to be stopped."""
    with own() as server:
        yield server
