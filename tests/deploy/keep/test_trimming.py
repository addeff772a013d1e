"""Snapshots of a catalogue whose journal is trimmed."""

from __future__ import annotations

from contextlib import closing

import pytest

from catalogue.database import Journal
from deploy.keep import snapshots
from deploy.keep.options import KeepOptions
from ensemble.index import Follower
from ensemble.index.snapshots import Snapshots
from tests.deploy.conftest import wait_for
from tests.deploy.keep.shop import OPTIONS, SPACE, Shop, content_of


def test_where_the_journal_is_trimmed_the_database_is_enough(shop: Shop) -> None:
    shop.write(15)
    shop.database.delete(["P003"])
    shop.database.trim(12)
    shop.keeper.step()
    assert shop.newest().seq == 16
    assert content_of(shop.newest()) == content_of(shop.rebuilt())


def test_the_journal_is_trimmed_only_where_that_was_asked_for(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "TRIM_MARGIN", 4)
    for options, trimmed in ((OPTIONS, 0), (KeepOptions(100.0, 10, trim=True), 6)):
        with closing(shop.another(options)) as keeper:
            shop.write(10)
            keeper.step()
        with shop.database.reading() as reading:
            assert reading.journal_size()[1] == trimmed


def test_a_follower_that_the_journal_was_trimmed_past_moves_to_the_next_snapshot(shop: Shop) -> None:
    shop.write(5)
    snapshots = Snapshots(shop.living.snapshots / "0001", shop.space.index)
    journal = Journal(shop.living.catalogue, SPACE.space_id)
    follower = Follower(snapshots.newest(SPACE.space_id), journal, snapshots, look_s=0.05)
    shop.write(30)
    shop.database.trim(20)
    follower.start()
    try:
        assert not follower.catch_up(35, timeout_s=0.2)
        assert "begin with everything" in str(follower.trouble)
        shop.keeper.step()
        wait_for(lambda: follower.index.seq == 35)
        shop.write(1)
        wait_for(lambda: follower.catch_up(36, timeout_s=1.0))
        assert follower.trouble is None
        assert content_of(follower.index) == content_of(shop.rebuilt())
    finally:
        follower.stop()


def test_one_that_the_journal_was_trimmed_past_is_replaced_at_once(shop: Shop) -> None:
    shop.write(10)
    shop.keeper.step()
    shop.database.delete(["P001"])
    shop.write(2, start=10)
    shop.keeper.step()
    assert shop.kept() == [10], "too few changes for another one"
    shop.database.trim(12)
    shop.keeper.step()
    assert shop.kept() == [10, 13]
    restarted = shop.newest()
    with closing(Journal(shop.living.catalogue, SPACE.space_id)) as journal:
        restarted.apply(journal.changes(restarted.seq))
    assert "P001" not in content_of(restarted)
