"""The engines that are held to one contract, each opened as it is in use; those of the GPU are interpreted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.ensemble.contract.shop import making_lists, shop
from tests.ensemble.contract.subjects import NAMES, Opened, Subject, subjects_in


@pytest.fixture(scope="session")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Subject]]:
    """All of them, by name."""
    folder, opened = tmp_path_factory.mktemp("contract"), Opened()
    with making_lists():
        shop().index().save(folder / "start")
    yield subjects_in(folder, opened)
    opened.close()


@pytest.fixture(scope="module", params=NAMES)
def subject(request: pytest.FixtureRequest, subjects: Mapping[str, Subject]) -> Subject:
    """One engine after the other."""
    name: str = request.param
    return subjects[name]
