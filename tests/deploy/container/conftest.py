from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.container.reading import STORE, read_settings
from deploy.container.settings import Settings
from deploy.store import Release, find_release
from tests.deploy.shop import make_store

Make = Callable[..., Settings]


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return find_release(make_store(tmp_path / "var"))


@pytest.fixture
def settings(release: Release) -> Make:
    """Settings of a container over that release, from more variables."""

    def make(**variables: str) -> Settings:
        return read_settings({STORE: str(release.models.parent), **variables})

    return make
