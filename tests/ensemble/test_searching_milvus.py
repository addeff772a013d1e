from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ensemble import settings
from ensemble.errors import Behind, Unavailable
from ensemble.found import Found
from ensemble.index.milvus import MilvusAway, MilvusIndex, MilvusRefused, WrongCollection
from ensemble.index.milvus.opening import one_process
from ensemble.pipeline import open_retrieval
from ensemble.searching_milvus import open_milvus_retrieval
from tests import tiny
from tests.deploy.conftest import wait_for
from tests.ensemble.journal_twin import TwinCatalogue
from tests.ensemble.milvus.lite import milvus_index, options_in


@pytest.fixture
def catalogue() -> TwinCatalogue:
    made = TwinCatalogue(tiny.SPACE)
    for number, product in enumerate(tiny.products(30)):
        made.upsert(product, np.random.default_rng(number).normal(size=tiny.SPACE.row_dim))
    return made


@pytest.fixture
def release(tmp_path: Path, catalogue: TwinCatalogue) -> Path:
    settings.write(tmp_path / "settings.json", space=tiny.SPACE)
    catalogue.index().save(tmp_path / "index")
    return tmp_path


@pytest.fixture
def feeder(release: Path) -> Iterator[MilvusIndex]:
    index = milvus_index(release, tiny.SPACE)
    yield index
    index.close()


def test_requests_are_answered_as_by_an_index_of_ours(
    release: Path, catalogue: TwinCatalogue, feeder: MilvusIndex
) -> None:
    feeder.fill(release / "index")
    retrieval, source = open_milvus_retrieval(release, options_in(release))
    request = {
        "TEXT_VECTOR": np.eye(2, tiny.DIM, dtype=np.float32),
        "K": np.array([[3], [7]], np.int32),
        "FILTER": np.array([[b'{"eq": ["available", true]}'], [b""]], object),
    }
    (ours,) = open_retrieval(release).answer([request])
    (theirs,) = retrieval.answer([request])
    assert isinstance(ours, Found)
    assert isinstance(theirs, Found)
    assert (theirs.ids, theirs.documents, theirs.seq) == (ours.ids, ours.documents, ours.seq)
    for hit, expected in zip(theirs.hits, ours.hits, strict=True):
        np.testing.assert_allclose(hit.scores, expected.scores, rtol=1e-5)
    head = catalogue.delete(theirs.ids[1][0])
    feeder.apply(catalogue.changes(feeder.seq))
    (fresh,) = retrieval.answer([request | {"MIN_SEQ": np.array([[head], [0]], np.int64)}])
    assert isinstance(fresh, Found)
    assert fresh.seq == head
    assert theirs.ids[1][0] not in fresh.ids[1]
    (behind,) = retrieval.answer([request | {"MIN_SEQ": np.array([[head + 1], [0]], np.int64)}])
    assert isinstance(behind, Behind)
    source.stop()


def test_a_milvus_that_is_empty_is_unavailable_until_somebody_fills_it(release: Path, feeder: MilvusIndex) -> None:
    retrieval, source = open_milvus_retrieval(release, options_in(release))
    request = {"TEXT_VECTOR": np.eye(1, tiny.DIM, dtype=np.float32)}
    (refused,) = retrieval.answer([request])
    assert isinstance(refused, Unavailable)
    assert "Milvus cannot be searched" in str(refused)
    assert "fill it with" in str(refused)
    (behind,) = retrieval.answer([request | {"MIN_SEQ": np.array([[1]], np.int64)}])
    assert isinstance(behind, Behind)
    feeder.fill(release / "index")
    wait_for(lambda: source.trouble is None)
    (found,) = retrieval.answer([request])
    assert isinstance(found, Found)
    source.stop()


def test_a_milvus_that_goes_away_is_unavailable_at_once(
    release: Path, feeder: MilvusIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeder.fill(release / "index")
    retrieval, source = open_milvus_retrieval(release, options_in(release))
    request = {"TEXT_VECTOR": np.eye(1, tiny.DIM, dtype=np.float32)}

    def away(*_: object) -> None:
        raise MilvusAway("http://milvus:19530: Milvus does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(MilvusIndex, "refresh", away)
        wait_for(lambda: source.trouble is not None)
        (refused,) = retrieval.answer([request])
        assert isinstance(refused, Unavailable)
    wait_for(lambda: source.trouble is None)
    (found,) = retrieval.answer([request])
    assert isinstance(found, Found)
    source.stop()


def test_a_missing_package_is_named(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(ModuleNotFoundError, match=r"install it with `pip install 'tandem\[milvus\]'`"):
        open_milvus_retrieval(release, options_in(release))


def test_a_file_that_another_process_has_open_says_so(release: Path) -> None:
    with (
        pytest.raises(MilvusRefused, match="One process at a time can open a file of milvus-lite"),
        one_process(options_in(release)),
    ):
        raise MilvusRefused("milvus.db: Milvus refuses connect: Open local milvus failed")


def test_a_collection_of_another_catalogue_is_refused(release: Path) -> None:
    other = TwinCatalogue(tiny.SPACE, "catalogue-b")
    other.upsert(tiny.products(1)[0], np.ones(tiny.SPACE.row_dim))
    index = milvus_index(release, tiny.SPACE, "catalogue-b")
    index.apply(other.changes(0))
    with pytest.raises(WrongCollection, match="`catalogue_id` 'catalogue-b', and 'catalogue-a' is wanted"):
        open_milvus_retrieval(release, options_in(release))
    index.close()
