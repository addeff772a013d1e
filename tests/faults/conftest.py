"""A tiny real release, served by ``deploy serve`` as its own process, under a stream of requests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.export.conftest import Make, make, shop, sources, towers
from tests.faults.book import Book
from tests.faults.stream import Stream
from tests.living.served import Served

__all__ = ["make", "shop", "sources", "towers"]


@pytest.fixture(scope="session")
def released(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one release; not to be changed."""
    folder = tmp_path_factory.mktemp("faults") / "var"
    make(folder)
    return folder


@pytest.fixture
def store(released: Path, tmp_path: Path) -> Path:
    """A store of its own, which may be broken."""
    return shutil.copytree(released, tmp_path / "var", symlinks=True)


@pytest.fixture(scope="module")
def shared_store(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store for the faults of a whole file."""
    return shutil.copytree(released, tmp_path_factory.mktemp("shared") / "var", symlinks=True)


@pytest.fixture(scope="module")
def served(shared_store: Path) -> Iterator[Served]:
    """A server for the faults of a whole file, which it has to survive."""
    running = Served(shared_store)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def stream(served: Served) -> Iterator[Stream]:
    """The requests that it gets all the time."""
    with Stream(served.url, Book()) as running:
        yield running
