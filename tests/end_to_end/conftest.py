"""One real release of a small sample, served once for all tests of this room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.server import Server
from sample.make import make
from tests.releases import make_release


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop of 240 products with 40 photos."""
    folder = tmp_path_factory.mktemp("sample")
    make(folder, products=240, held_out=40, train=0, seed=11)
    return folder


@pytest.fixture(scope="session")
def store(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one release of the sample."""
    folder = tmp_path_factory.mktemp("store")
    make_release(sample / "catalogue.jsonl", folder)
    return folder


@pytest.fixture(scope="session")
def server(store: Path) -> Iterator[Server]:
    """The release, served."""
    with Server(store) as running:
        yield running
