from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ensemble.index.milvus import MilvusIndex
from tests.ensemble.journal_twin import TwinCatalogue
from tests.ensemble.milvus.lite import milvus_index, reset


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusIndex]:
    """One collection for all tests: to make one takes a second."""
    index = milvus_index(tmp_path_factory.mktemp("milvus"))
    yield index
    index.close()


@pytest.fixture
def holding(shared: MilvusIndex) -> Callable[[TwinCatalogue], MilvusIndex]:
    """The collection, with a catalogue as it is now."""

    def hold(catalogue: TwinCatalogue) -> MilvusIndex:
        reset(shared, catalogue)
        return shared

    return hold
