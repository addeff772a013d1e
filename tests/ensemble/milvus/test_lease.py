from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ensemble.index.milvus import AnotherFeeder, MilvusIndex, Stopped
from ensemble.index.milvus.lease import Lease

BEAT_S = 0.2


@pytest.fixture
def lease(shared: MilvusIndex) -> Iterator[Lease]:
    made = Lease(shared.states, beat_s=BEAT_S)
    yield made
    shared.states.put("feeder", '{"holder": ""}')


def test_a_second_feeder_gives_up_while_the_first_lives(shared: MilvusIndex, lease: Lease) -> None:
    lease.acquire()
    stop = threading.Event()

    def live() -> None:
        while not stop.wait(BEAT_S / 10):
            lease.renew()

    living = threading.Thread(target=live)
    living.start()
    try:
        with pytest.raises(AnotherFeeder, match="another process feeds this collection"):
            Lease(shared.states, beat_s=1.0).acquire()
    finally:
        stop.set()
        living.join()


def test_who_died_is_followed_after_a_while_and_may_not_go_on(shared: MilvusIndex, lease: Lease) -> None:
    lease.acquire()
    assert Lease(shared.states, beat_s=1_000).is_fresh is False
    heir = Lease(shared.states, beat_s=BEAT_S)
    heir.acquire()
    assert heir.is_fresh
    with pytest.raises(AnotherFeeder):
        lease.renew()
    lease.release()  # what is another's stays
    heir.renew()


def test_who_ended_is_followed_at_once(shared: MilvusIndex, lease: Lease) -> None:
    lease.acquire()
    lease.release()
    patient = Lease(shared.states, beat_s=0.1)
    patient.give_up()  # it would not wait for anybody
    patient.acquire()


def test_a_wait_can_be_ended(shared: MilvusIndex, lease: Lease) -> None:
    lease.acquire()
    second = Lease(shared.states, beat_s=1_000)
    second.give_up()
    with pytest.raises(Stopped, match="ended before the collection could be taken over"):
        second.acquire()


def test_one_that_was_silent_for_long_is_not_fresh(lease: Lease) -> None:
    lease.acquire()
    fresh = [lease.is_fresh]
    threading.Event().wait(2.5 * BEAT_S)
    fresh.append(lease.is_fresh)
    assert fresh == [True, False]
    lease.renew()


def test_it_is_checked_before_each_write(shared: MilvusIndex, lease: Lease) -> None:
    lease.acquire()
    lease.check()
    shared.states.put("feeder", '{"holder": "another"}')
    lease.check()  # nobody can have taken it yet: this costs nothing
    with pytest.raises(AnotherFeeder):
        lease.renew()
    with pytest.raises(AnotherFeeder):  # what the beating thread found out, the writing one knows
        lease.check()


def test_one_that_was_asked_to_end_writes_no_more(lease: Lease) -> None:
    lease.acquire()
    lease.give_up()
    lease.pause(1_000.0)
    with pytest.raises(Stopped):
        lease.check()
