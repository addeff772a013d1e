"""A Milvus that is fed from a catalogue in SQLite."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalogue.database import Journal
from deploy.feed import Feed
from ensemble.errors import ChangesRefused, WrongCatalogue
from ensemble.index.milvus import AnotherFeeder, MilvusAway, MilvusIndex
from ensemble.index.milvus.lease import Lease
from tests.deploy.keep.shop import SPACE, Shop
from tests.ensemble.milvus.lite import milvus_index

BEAT_S = 0.05


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with closing(Shop(tmp_path)) as made:
        made.write(5)
        yield made


@pytest.fixture
def index(shop: Shop) -> Iterator[MilvusIndex]:
    made = milvus_index(shop.folder, SPACE, shop.database.catalogue_id)
    yield made
    made.close()


@pytest.fixture
def feed(shop: Shop, index: MilvusIndex) -> Iterator[Feed]:
    with closing(Journal(shop.living.catalogue, SPACE.space_id, shop.database.catalogue_id)) as journal:
        yield Feed(index, journal, lambda empty: empty.fill(shop.space.index), beat_s=BEAT_S)


def ids(index: MilvusIndex) -> set[str]:
    with index.reading() as state:
        (hits,) = state.search(np.ones((1, SPACE.row_dim), np.float32), [1_000], [""])
        return set(state.ids(hits))


@contextmanager
def running(feed: Feed) -> Iterator[list[BaseException]]:
    """The feeder in a thread; what it ended with."""
    ended: list[BaseException] = []

    def run() -> None:
        try:
            feed.run()
        except Exception as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield ended
    finally:
        feed.stop()
        thread.join(20)
        assert not thread.is_alive()


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise TimeoutError


def fed(shop: Shop, index: MilvusIndex) -> Callable[[], bool]:
    head = shop.database.head()
    return lambda: index.seq >= head


def test_an_empty_one_is_filled_and_brought_up_to_date(shop: Shop, index: MilvusIndex, feed: Feed) -> None:
    feed.run(once=True)
    assert (index.seq, ids(index)) == (shop.database.head(), {f"P{number:03}" for number in range(5)})
    shop.write(1, start=9)
    shop.database.delete(["P001"])
    feed.run(once=True)
    assert ids(index) == {"P000", "P002", "P003", "P004", "P009"}


def test_it_follows_until_it_is_stopped_and_lets_go(shop: Shop, index: MilvusIndex, feed: Feed) -> None:
    with running(feed) as ended:
        wait_for(fed(shop, index))
        shop.write(2, start=20)
        wait_for(fed(shop, index))
    assert not ended
    assert {"P020", "P021"} <= ids(index)
    waiting = Lease(index.states, beat_s=1_000.0)
    waiting.give_up()  # it would not wait for anybody
    waiting.acquire()


def test_one_process_feeds_a_collection(shop: Shop, index: MilvusIndex, feed: Feed) -> None:
    with (
        running(feed),
        closing(Journal(shop.living.catalogue, SPACE.space_id)) as journal,
    ):
        wait_for(fed(shop, index))
        second = Feed(index, journal, lambda _: None, beat_s=0.5)
        with pytest.raises(AnotherFeeder):
            second.run(once=True)


def test_a_feeder_that_lost_its_right_ends(shop: Shop, index: MilvusIndex, feed: Feed) -> None:
    with running(feed) as ended:
        wait_for(fed(shop, index))

        def taken() -> bool:  # until it is seen: a beat under way would write over it
            index.states.put("feeder", '{"holder": "another"}')
            return bool(ended)

        wait_for(taken)
    assert isinstance(ended[0], AnotherFeeder)


@pytest.mark.parametrize("trouble", [MilvusAway("Milvus does not answer"), ChangesRefused("product 'P0': too long")])
def test_what_cannot_be_applied_is_told_once_and_tried_again(
    shop: Shop,
    index: MilvusIndex,
    feed: Feed,
    trouble: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed: list[int] = []

    def fail(*_: Any, **__: Any) -> None:
        failed.append(1)
        raise trouble

    feed.run(once=True)
    shop.write(1, start=9)
    seq = index.seq
    with caplog.at_level(logging.INFO, "deploy"), monkeypatch.context() as broken:
        broken.setattr(index.products, "put", fail)
        with running(feed):
            wait_for(lambda: len(failed) > 1)
            assert index.seq == seq
            broken.undo()
            wait_for(lambda: len(caplog.records) > 1)
    told = [record.getMessage() for record in caplog.records if record.name == "deploy"]
    assert told == [f"cannot be fed, and stays at {seq}: {trouble}", f"fed again, from {seq + 1}"]
    assert "P009" in ids(index)


def test_a_database_that_is_away_is_waited_for(
    shop: Shop, index: MilvusIndex, feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    feed.run(once=True)
    path = Path(shop.living.catalogue.removeprefix("sqlite:///"))
    path.rename(path.with_suffix(".away"))
    with running(feed):
        wait_for(lambda: "the file is gone" in caplog.text)
        path.with_suffix(".away").rename(path)
        shop.write(1, start=9)
        wait_for(fed(shop, index))
    assert "P009" in ids(index)


def test_a_journal_that_was_trimmed_is_replaced_by_the_whole_catalogue(
    shop: Shop, index: MilvusIndex, feed: Feed
) -> None:
    feed.run(once=True)
    shop.database.delete(["P001"])
    shop.write(2, start=30)
    shop.database.trim(shop.database.head())
    feed.run(once=True)
    assert index.seq == shop.database.head()
    assert ids(index) == {"P000", "P002", "P003", "P004", "P030", "P031"}


def test_a_catalogue_that_was_put_back_is_refused(
    index: MilvusIndex, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.run(once=True)
    monkeypatch.setattr(feed._journal, "head", lambda: index.seq - 1)
    with pytest.raises(WrongCatalogue, match="before the collection"):
        feed.run(once=True)


def test_a_successor_goes_on_where_the_one_before_ended(shop: Shop, index: MilvusIndex, feed: Feed) -> None:
    """It was opened before the other one ended, and knows an older state."""
    feed.run(once=True)
    later = milvus_index(shop.folder, SPACE, shop.database.catalogue_id)
    shop.write(3, start=10)
    feed.run(once=True)
    shop.write(3, start=20)
    with closing(Journal(shop.living.catalogue, SPACE.space_id)) as journal:
        Feed(later, journal, lambda _: None, beat_s=BEAT_S).run(once=True)
    slots = [entity["slot"] for entity in later.products.between(0, later.state.end)]
    assert len(set(slots)) == len(slots) == len(ids(later)) == 11
    later.close()


def test_a_feeder_that_stalled_writes_no_more_once_another_took_over(
    shop: Shop, index: MilvusIndex, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that was stopped by SIGSTOP before a write: neither it nor its beat goes on."""
    feed.run(once=True)
    later = milvus_index(shop.folder, SPACE, shop.database.catalogue_id)
    stalled, silent, resumed = threading.Event(), threading.Event(), threading.Event()
    renew, held = feed._lease.renew, index.products.held

    def stall(*given: Any) -> Any:
        stalled.set()
        resumed.wait()
        return held(*given)

    def beat() -> None:
        if stalled.is_set():
            silent.set()
            resumed.wait()
        renew()

    monkeypatch.setattr(index.products, "held", stall)
    monkeypatch.setattr(feed._lease, "renew", beat)
    with running(feed) as ended, closing(Journal(shop.living.catalogue, SPACE.space_id)) as journal:
        shop.write(1, start=9)
        silent.wait()
        shop.database.delete(["P009"])
        Feed(later, journal, lambda _: None, beat_s=BEAT_S).run(once=True)
        resumed.set()
        wait_for(lambda: bool(ended))
    assert isinstance(ended[0], AnotherFeeder)
    assert later.refresh() == shop.database.head()
    assert "P009" not in ids(later)
    later.close()


def test_once_it_gives_up_where_the_trouble_stays(
    index: MilvusIndex, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.feed.TRIES_ONCE", 3)
    tried: list[int] = []

    def away(*_: Any, **__: Any) -> None:
        tried.append(1)
        raise MilvusAway("Milvus does not answer")

    monkeypatch.setattr(index, "replace", away)
    with pytest.raises(MilvusAway):
        feed.run(once=True)
    assert len(tried) == 3


def test_one_that_is_stopped_while_it_waits_for_another_just_ends(index: MilvusIndex, feed: Feed) -> None:
    index.states.put("feeder", '{"holder": "another"}')
    feed.stop()
    assert feed.run(once=True) is False
    assert not index.is_filled


def test_a_stop_is_heeded_between_two_writes(index: MilvusIndex, feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    put = index.products.put

    def stop(entities: Any, *, partial: bool = False) -> None:
        feed.stop()
        put(entities, partial=partial)

    monkeypatch.setattr(index.products, "put", stop)
    assert feed.run(once=True) is False
    assert (index.refresh(), index.live) == (0, 5)  # the products were written, and the sequence number was not


def test_more_changes_than_memory_takes_are_read_in_parts(
    shop: Shop, index: MilvusIndex, feed: Feed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert feed.run(once=True) is True
    monkeypatch.setattr("deploy.feed.MOST_CHANGES", 2)
    shop.write(3, start=9)
    with caplog.at_level(logging.INFO, "deploy"):
        assert feed.run(once=True) is True
    assert "filled anew, since there were too many changes" in caplog.text
    assert (index.seq, len(ids(index))) == (shop.database.head(), 8)
