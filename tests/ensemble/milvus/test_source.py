from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from ensemble.index.milvus import MilvusAway, MilvusIndex, MilvusSource
from tests.ensemble.journal_twin import SPACE, TwinCatalogue
from tests.ensemble.test_index import shop

Holding = Callable[[TwinCatalogue], MilvusIndex]


@pytest.fixture
def feeder(holding: Holding) -> MilvusIndex:
    return holding(shop())


@pytest.fixture
def reader(feeder: MilvusIndex) -> Iterator[MilvusIndex]:
    index = MilvusIndex.open(feeder.connection.options, SPACE.space_id, SPACE.row_dim)
    yield index
    index.close()


def test_a_reader_catches_up_with_the_feeder(feeder: MilvusIndex, reader: MilvusIndex) -> None:
    source, catalogue = MilvusSource(reader), shop()
    assert source.catch_up(reader.seq, 0)
    head = catalogue.delete("P1")
    assert not source.catch_up(head, 0.05)
    feeder.apply(catalogue.changes(feeder.seq))
    assert source.catch_up(head, 10)
    assert reader.seq == head
    assert source.trouble is None


def test_its_thread_looks_by_itself(feeder: MilvusIndex, reader: MilvusIndex) -> None:
    source, catalogue = MilvusSource(reader, look_s=0.01), shop()
    source.start()
    head = catalogue.delete("P1")
    feeder.apply(catalogue.changes(feeder.seq))
    for _ in range(1_000):
        if reader.seq == head:
            break
        source._stopping.wait(0.01)
    assert reader.seq == head
    source.stop()


def test_a_milvus_that_is_away_is_told_once(
    feeder: MilvusIndex, reader: MilvusIndex, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    source = MilvusSource(reader)

    def away() -> int:
        raise MilvusAway("http://milvus: Milvus does not answer")

    with monkeypatch.context() as changed, caplog.at_level(logging.INFO):
        changed.setattr(reader, "refresh", away)
        assert not source.catch_up(feeder.seq + 1, 10)  # at once: it would be in vain
        assert not source.look()
    assert source.trouble == "http://milvus: Milvus does not answer"
    assert len([record for record in caplog.records if "cannot be followed" in record.message]) == 1
    assert source.look()
    assert source.trouble is None
