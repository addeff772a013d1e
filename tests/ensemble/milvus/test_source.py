from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

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


@contextmanager
def looking(index: MilvusIndex, look_s: float = 0.5) -> Iterator[MilvusSource]:
    source = MilvusSource(index, look_s=look_s)
    source.start()
    yield source
    source.stop()


def test_a_reader_catches_up_with_the_feeder(feeder: MilvusIndex, reader: MilvusIndex) -> None:
    catalogue = shop()
    with looking(reader, look_s=1_000.0) as source:  # who waits makes it look
        assert source.catch_up(reader.seq, 0)
        head = catalogue.delete("P1")
        assert not source.catch_up(head, 0.05)
        feeder.apply(catalogue.changes(feeder.seq))
        assert source.catch_up(head, 10)
        assert reader.seq == head
        assert source.trouble is None


def test_a_number_that_does_not_come_is_not_waited_for(reader: MilvusIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble.index.milvus.source.BEYOND_S", 0.05)
    with looking(reader) as source:
        assert not source.catch_up(reader.seq + 1_000, 1_000.0)  # longer than any test may take


def test_a_milvus_that_is_slow_does_not_hold_up_who_waits(reader: MilvusIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()
    monkeypatch.setattr(reader, "refresh", answer.wait)
    with looking(reader) as source:
        assert not source.catch_up(reader.seq + 1, 0.05)
        answer.set()


def test_who_waits_sees_progress(reader: MilvusIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step comes in time, all of them together come after ``BEYOND_S``."""
    monkeypatch.setattr("ensemble.index.milvus.source.BEYOND_S", 1.0)
    begun = reader.seq

    def step() -> None:
        threading.Event().wait(0.3)
        reader.known(replace(reader.state, seq=reader.seq + 1))

    monkeypatch.setattr(reader, "refresh", step)
    with looking(reader) as source:
        assert source.catch_up(begun + 5, 1_000.0)


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
        assert not source.look()
        assert not source.look()
        assert not source.catch_up(feeder.seq + 1, 1_000.0)  # at once: it would be in vain
    assert source.trouble == "http://milvus: Milvus does not answer"
    assert len([record for record in caplog.records if "cannot be followed" in record.message]) == 1
    assert source.look()
    assert source.trouble is None
