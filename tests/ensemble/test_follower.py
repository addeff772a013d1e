from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import numpy as np
import pytest

from ensemble.errors import WrongCatalogue
from ensemble.index import Follower
from tests.ensemble.followed import PATIENCE_S, QUERY, found, is_right, product, row, shop, wait_for
from tests.ensemble.journal_twin import Change, Changes, TwinIndex, TwinJournal, index_of


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


def test_a_look_is_at_all_that_was_written_before_it(following: Callable[..., Follower]) -> None:
    catalogue = shop()
    journal = TwinJournal(catalogue)
    follower = following(index_of(catalogue), journal)
    follower.start()
    for number in range(20):
        seq = catalogue.upsert(product(number % 9), row(number))
        assert follower.look(PATIENCE_S)
        assert follower.index.seq >= seq
    journal.broken = OSError("away")
    wait_for(lambda: not follower.look(PATIENCE_S))
