from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ensemble.index import Follower, Index, Snapshots, adoption
from tests.ensemble.followed import PATIENCE_S, is_right, product, row, shop, wait_for
from tests.ensemble.journal_twin import CATALOGUE, Change, Changes, TwinJournal, index_of


@pytest.fixture
def snapshots(tmp_path: Path) -> Snapshots:
    return Snapshots(tmp_path / "snapshots", tmp_path / "own")


@pytest.mark.parametrize("two_journals", [False, True])
def test_a_newer_snapshot_is_moved_to_and_the_journal_replayed(
    following: Callable[..., Follower], snapshots: Snapshots, *, two_journals: bool
) -> None:
    catalogue = shop()
    index_of(catalogue).save(snapshots.own)
    index = snapshots.newest("space-a", catalogue_id=CATALOGUE)
    another = (lambda: TwinJournal(catalogue)) if two_journals else None
    follower = following(index, TwinJournal(catalogue), snapshots, another=another)
    follower.start()
    for number in range(40):
        seq = catalogue.upsert(product(number % 9), row(number))
        assert follower.catch_up(seq, PATIENCE_S)
        if number == 20:
            written = index_of(catalogue)
    assert follower.index is index
    assert index.dead > 20
    follower.index.terms.passing(b'{"eq": ["color", "red"]}')
    follower.index.terms.boost(b"similarity - price")
    snapshots.write(written)  # older than what is applied: nothing may be lost
    wait_for(lambda: follower.index is not index)
    assert follower.index.seq == catalogue.head
    assert follower.index.dead < index.dead
    assert b'{"eq": ["color", "red"]}' in follower.index.terms.texts()
    assert follower.index.terms.scores() == [b"similarity - price"]
    assert is_right(follower.index, catalogue)
    assert follower.catch_up(catalogue.delete("P3"), PATIENCE_S)
    assert is_right(follower.index, catalogue)


def test_a_damaged_newer_snapshot_is_refused_once(
    following: Callable[..., Follower], snapshots: Snapshots, caplog: pytest.LogCaptureFixture
) -> None:
    catalogue = shop()
    index_of(catalogue).save(snapshots.own)
    index = snapshots.newest()
    catalogue.delete("P1")
    folder = snapshots.write(index_of(catalogue))
    (folder / "vectors.npy").write_bytes(b"")
    follower = following(index, TwinJournal(catalogue), snapshots)
    follower.start()
    wait_for(lambda: bool(snapshots.refused))
    assert follower.catch_up(catalogue.delete("P2"), PATIENCE_S)
    assert follower.index is index
    catalogue.delete("P3")
    snapshots.write(index_of(catalogue))
    wait_for(lambda: follower.index is not index)
    assert caplog.text.count("a snapshot is refused") == 1


def test_a_journal_that_was_trimmed_is_followed_from_a_newer_snapshot(
    following: Callable[..., Follower], snapshots: Snapshots
) -> None:
    catalogue = shop()
    index_of(catalogue).save(snapshots.own)
    index = snapshots.newest()
    for number in range(10, 20):
        catalogue.upsert(product(number), row(number))
    journal = TwinJournal(catalogue)
    journal.trimmed = catalogue.head - 2
    follower = following(index, journal, snapshots)
    follower.start()
    assert follower.trouble == "the journal begins after 13"
    assert is_right(follower.index, catalogue)
    snapshots.write(index_of(catalogue))
    catalogue.delete("P1")
    wait_for(lambda: follower.trouble is None and follower.index.seq == catalogue.head)
    assert is_right(follower.index, catalogue)


class Refusing(TwinJournal):
    """Gives changes that do not fit, to those that ask from before ``good``."""

    good = 0

    def changes(self, after: int) -> Changes:
        changes = super().changes(after)
        if after >= self.good:
            return changes
        return Changes(changes.seq, [*changes.changes, Change("bad", b"{", row(1).astype(np.float16))], changes.kinds)


@pytest.mark.parametrize("two_journals", [False, True])
def test_a_snapshot_that_cannot_be_brought_up_to_date_is_given_up_for_a_later_one(
    following: Callable[..., Follower], snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch, *, two_journals: bool
) -> None:
    monkeypatch.setattr(adoption, "AGAIN_S", 0.05)
    catalogue = shop()
    index_of(catalogue).save(snapshots.own)
    index = snapshots.newest()
    journal, second = Refusing(catalogue), Refusing(catalogue)
    another = (lambda: second) if two_journals else None
    follower = following(index, journal, snapshots, another=another)
    follower.start()
    catalogue.upsert(product(7), row(7))
    bad = index_of(catalogue)
    assert follower.catch_up(catalogue.upsert(product(8), row(8)), PATIENCE_S)
    journal.good = second.good = catalogue.head
    journal.reads.clear()
    snapshots.write(bad)
    wait_for(lambda: bad.seq in journal.reads)
    snapshots.write(index_of(catalogue))
    wait_for(lambda: follower.index is not index)
    assert is_right(follower.index, catalogue)
    assert follower.catch_up(catalogue.delete("P3"), PATIENCE_S)


def test_a_snapshot_that_cannot_be_brought_up_to_date_is_not_tried_in_each_round(
    following: Callable[..., Follower], snapshots: Snapshots
) -> None:
    catalogue = shop()
    index_of(catalogue).save(snapshots.own)
    journal = Refusing(catalogue)
    follower = following(snapshots.newest(), journal, snapshots)
    follower.start()
    catalogue.upsert(product(7), row(7))
    bad = index_of(catalogue)
    assert follower.catch_up(catalogue.upsert(product(8), row(8)), PATIENCE_S)
    journal.good = catalogue.head
    journal.reads.clear()
    snapshots.write(bad)
    wait_for(lambda: bad.seq in journal.reads)
    before = len(journal.reads)
    wait_for(lambda: len(journal.reads) > before + 20)
    assert journal.reads[before:].count(bad.seq) == 0


def test_an_index_that_broke_is_opened_anew_and_the_journal_replayed(
    following: Callable[..., Follower], snapshots: Snapshots
) -> None:
    catalogue = shop()
    index_of(catalogue).save(snapshots.own)
    index = snapshots.newest()
    follower = following(index, TwinJournal(catalogue), snapshots)
    follower.start()
    assert follower.catch_up(catalogue.upsert(product(7), row(7)), PATIENCE_S)
    real = index.engine.added

    def full(first: int) -> None:
        real(first)
        raise MemoryError("no room")

    index.engine.added = full  # type: ignore[method-assign]
    catalogue.upsert(product(8), row(8))
    assert is_right(index, catalogue)
    wait_for(lambda: follower.index is not index and follower.trouble is None)
    assert follower.catch_up(catalogue.delete("P3"), PATIENCE_S)
    assert is_right(follower.index, catalogue)


def test_where_no_thread_can_be_started_the_journal_is_followed_on(
    following: Callable[..., Follower],
    snapshots: Snapshots,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    catalogue = shop()
    index_of(catalogue).save(snapshots.own)
    follower = following(snapshots.newest(), TwinJournal(catalogue), snapshots)
    follower.start()

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    catalogue.upsert(product(7), row(7))
    snapshots.write(index_of(catalogue))
    wait_for(lambda: "no newer snapshot can be looked for now" in caplog.text)
    assert follower.catch_up(catalogue.delete("P3"), PATIENCE_S)
    assert is_right(follower.index, catalogue)


def test_one_that_is_moved_to_was_made_ready_before(following: Callable[..., Follower], snapshots: Snapshots) -> None:
    catalogue = shop()
    index_of(catalogue).save(snapshots.own)
    index = snapshots.newest("space-a", catalogue_id=CATALOGUE)
    ready: list[tuple[Index, bool]] = []

    def make_ready(other: Index) -> None:
        ready.append((other, follower.index is index))

    follower = following(index, TwinJournal(catalogue), snapshots, make_ready=make_ready)
    follower.start()
    assert follower.catch_up(catalogue.delete("P3"), PATIENCE_S)
    snapshots.write(index_of(catalogue))
    wait_for(lambda: follower.index is not index)
    assert ready == [(follower.index, True)]
