from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ensemble.errors import WrongCatalogue
from ensemble.index import Follower, Index, Snapshots, adoption
from tests.ensemble.journal_twin import CATALOGUE, Change, Changes, TwinCatalogue, TwinIndex, TwinJournal, index_of

QUERY = np.linspace(-1, 1, 6).astype(np.float32)
LOOK_S = 0.01
PATIENCE_S = 20.0


def row(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=6).astype(np.float32)


def product(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"P{number}", "title": "x", "attributes": {"color": "red"}} | more


def shop(count: int = 5) -> TwinCatalogue:
    catalogue = TwinCatalogue()
    for number in range(count):
        catalogue.upsert(product(number), row(number))
    return catalogue


def found(index: Index) -> tuple[int, list[str]]:
    with index.reading() as state:
        (hits,) = state.search(QUERY[None], [1_000], [state.passing(b"")])
        return state.seq, state.slots.ids(hits.slots)


def is_right(index: Index, catalogue: TwinCatalogue) -> bool:
    seq, names = found(index)
    return names == TwinIndex(catalogue).search(seq, QUERY, 1_000)


def wait_for(condition: Callable[[], bool]) -> None:
    done = threading.Event()
    for _ in range(int(PATIENCE_S / 0.01)):
        if condition():
            return
        done.wait(0.01)
    raise TimeoutError


@pytest.fixture
def following() -> Iterator[Callable[..., Follower]]:
    """Makes followers that are stopped in the end."""
    made: list[Follower] = []

    def make(index: Index, journal: TwinJournal, snapshots: Snapshots | None = None, **options: Any) -> Follower:
        made.append(Follower(index, journal, snapshots, look_s=LOOK_S, **options))
        return made[-1]

    yield make
    for follower in made:
        follower.stop()


def test_it_begins_with_what_is_there_and_follows(following: Callable[..., Follower]) -> None:
    catalogue = shop()
    index = index_of(catalogue)
    catalogue.upsert(product(9), row(9))
    journal = TwinJournal(catalogue)
    follower = following(index, journal)
    follower.start()
    assert follower.index.seq == catalogue.head  # before any answer is given
    for number in range(30):
        seq = catalogue.upsert(product(number % 7), row(number)) if number % 3 else catalogue.delete(f"P{number % 5}")
        assert follower.catch_up(seq, PATIENCE_S)
        assert is_right(follower.index, catalogue)
    follower.stop()
    assert journal.closed


def test_what_is_not_there_is_not_waited_for_long(following: Callable[..., Follower]) -> None:
    catalogue = shop()
    journal = TwinJournal(catalogue)
    follower = following(index_of(catalogue), journal)
    follower.start()
    wait_for(lambda: len(journal.reads) > 1)
    before = len(journal.reads)
    assert not follower.catch_up(catalogue.head + 1, 1e6)
    assert len(journal.reads) > before  # it has looked


def test_what_another_writer_is_about_to_commit_is_waited_for(following: Callable[..., Follower]) -> None:
    catalogue = shop()
    follower = following(index_of(catalogue), TwinJournal(catalogue))
    follower.start()
    wanted = catalogue.head + 1
    writer = threading.Timer(0.1, lambda: catalogue.delete("P1"))
    writer.start()
    assert follower.catch_up(wanted, PATIENCE_S)
    writer.join()


def test_a_catalogue_that_was_put_back_is_followed_no_more(following: Callable[..., Follower]) -> None:
    """Its new entries would soon have the numbers that the index has seen, and be missed for ever."""

    class Journal(TwinJournal):
        def changes(self, after: int) -> Changes:
            if after > self.catalogue.head:
                raise LookupError(f"the journal ends at {self.catalogue.head}")
            return super().changes(after)

    catalogue, backup = shop(), shop()
    journal = Journal(catalogue)
    follower = following(index_of(catalogue), journal)
    follower.start()
    seq = catalogue.delete("P1")
    assert follower.catch_up(seq, PATIENCE_S)
    journal.catalogue = backup
    journal.nudge()
    wait_for(lambda: "put back to an older state" in (follower.trouble or ""))
    for number in range(3):
        backup.upsert(product(10 + number), row(number))
    reads = len(journal.reads)
    assert not follower.catch_up(backup.head, 1.0)
    assert (found(follower.index)[0], len(journal.reads)) == (seq, reads)


def test_a_catalogue_out_of_reach_is_told_once_and_followed_again(
    following: Callable[..., Follower], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ensemble")
    catalogue = shop()
    journal = TwinJournal(catalogue)
    follower = following(index_of(catalogue), journal)
    follower.start()
    journal.broken = ConnectionError("connection refused")
    seq = catalogue.delete("P1")
    wait_for(lambda: follower.trouble is not None)
    assert follower.trouble == "connection refused"
    assert not follower.catch_up(seq, 1e6)  # not worth a wait
    seen, names = found(follower.index)
    assert (seen, "P1" in names) == (seq - 1, True)
    journal.broken = None
    wait_for(lambda: follower.trouble is None)
    assert follower.catch_up(seq, PATIENCE_S)
    assert is_right(follower.index, catalogue)
    assert caplog.text.count("the catalogue cannot be followed") == 1
    assert caplog.text.count("the catalogue is followed again") == 1


def test_a_catalogue_that_is_away_at_the_start_is_no_reason_not_to_serve(following: Callable[..., Follower]) -> None:
    catalogue = shop()
    journal = TwinJournal(catalogue)
    index = index_of(catalogue)
    seq = catalogue.delete("P1")
    journal.broken = ConnectionError("connection refused")
    follower = following(index, journal)
    follower.start()
    assert found(follower.index)[0] == seq - 1
    journal.broken = None
    wait_for(lambda: follower.index.seq == seq)
    assert is_right(follower.index, catalogue)


class NeverAgain(Exception):
    """A database that is none."""


def test_a_journal_that_cannot_be_of_this_index_is_refused() -> None:
    catalogue = shop()
    index = index_of(catalogue)
    with pytest.raises(WrongCatalogue, match="the journal is of catalogue 'catalogue-b', the index of 'catalogue-a'"):
        Follower(index, TwinJournal(catalogue, catalogue_id="catalogue-b")).start()
    with pytest.raises(
        WrongCatalogue, match="the journal ends at 3, before the index, which holds 5: the catalogue was"
    ):
        Follower(index, TwinJournal(shop(3))).start()
    journal = TwinJournal(catalogue)
    journal.broken = NeverAgain("not a catalogue")
    with pytest.raises(WrongCatalogue, match="the catalogue cannot be followed: not a catalogue"):
        Follower(index, journal, fatal=(NeverAgain,)).start()


def test_changes_that_do_not_fit_are_not_skipped(following: Callable[..., Follower]) -> None:
    catalogue = shop()
    bad = threading.Event()

    class Journal(TwinJournal):
        def changes(self, after: int) -> Changes:
            changes = super().changes(after)
            wrong = Change("P2", b'{"id": "P2"}', row(1).astype(np.float16)[:3])
            return Changes(changes.seq, [*changes.changes, wrong], changes.kinds) if bad.is_set() else changes

    follower = following(index_of(catalogue), Journal(catalogue))
    follower.start()
    bad.set()
    seq = catalogue.delete("P1")
    wait_for(lambda: follower.trouble is not None)
    assert follower.trouble == "product 'P2': a row of shape [3]; this space has [6]"
    assert found(follower.index)[0] == seq - 1
    assert is_right(follower.index, catalogue)
    bad.clear()
    wait_for(lambda: follower.index.seq == seq)
    assert is_right(follower.index, catalogue)


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
    follower.index.masks.passing(b'{"eq": ["color", "red"]}')
    snapshots.write(written)  # older than what is applied: nothing may be lost
    wait_for(lambda: follower.index is not index)
    assert follower.index.seq == catalogue.head
    assert follower.index.dead < index.dead
    assert b'{"eq": ["color", "red"]}' in follower.index.masks.texts()
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


def test_searches_and_changes_do_not_starve_each_other(following: Callable[..., Follower]) -> None:
    """Two threads search without a pause while another writes: all get on, and every answer is one state."""
    catalogue = shop()
    follower = following(index_of(catalogue), TwinJournal(catalogue))
    follower.start()
    stop = threading.Event()
    seen: list[list[tuple[int, list[str]]]] = [[], []]

    def search(answers: list[tuple[int, list[str]]]) -> None:
        while not stop.is_set():
            answers.append(found(follower.index))

    threads = [threading.Thread(target=search, args=(answers,)) for answers in seen]
    for thread in threads:
        thread.start()
    for number in range(200):
        seq = catalogue.upsert(product(number % 9), row(number)) if number % 4 else catalogue.delete(f"P{number % 8}")
        assert follower.catch_up(seq, PATIENCE_S)
    stop.set()
    for thread in threads:
        thread.join()
    twin = TwinIndex(catalogue)
    for answers in seen:
        assert len(answers) > 20
        assert [seq for seq, _ in answers] == sorted(seq for seq, _ in answers)
        for seq, names in dict(answers).items():
            assert names == twin.search(seq, QUERY, 1_000)
