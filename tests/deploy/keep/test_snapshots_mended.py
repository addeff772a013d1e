"""Snapshots where something is damaged, refused, full or of another catalogue."""

from __future__ import annotations

import resource
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from catalogue import Product
from catalogue.database import Changes, Database, Entry, Journal
from catalogue.database.transactions import Transactions
from deploy.keep import indexes, snapshots
from deploy.keep.served import Space
from deploy.keep.snapshots import Snapshotting
from deploy.living import Living
from ensemble.errors import DamagedRelease, SnapshotFailed, WrongCatalogue
from tests.deploy.keep.shop import OPTIONS, Shop, content_of, damage


def test_a_damaged_one_is_replaced_at_once(shop: Shop) -> None:
    shop.write(10)
    shop.keeper.step()
    damage(shop.living.snapshots / "0001" / f"{10:012d}")
    with closing(shop.another()) as keeper:
        keeper.step()
    assert shop.kept() == [10]
    assert content_of(shop.newest()) == content_of(shop.rebuilt())


def test_where_all_are_damaged_the_database_is_enough(shop: Shop) -> None:
    shop.write(10)
    shop.database.upsert([Entry(Product("without", "a row"))])
    shop.keeper.step()
    shutil.rmtree(shop.space.index)
    damage(shop.living.snapshots / "0001" / f"{11:012d}")
    with pytest.raises(DamagedRelease):
        shop.newest()
    with closing(shop.another()) as keeper:
        keeper.step()
    assert content_of(shop.newest()) == content_of(shop.rebuilt())
    assert shop.newest().unembedded == 1


def test_where_the_changes_are_refused_the_database_is_enough(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write(15)

    class Refusing(Journal):
        def changes(self, after: int) -> Changes:
            changes = super().changes(after)
            return replace(changes, changes=(*changes.changes, *changes.changes[:1]))

    monkeypatch.setattr(indexes, "Journal", Refusing)
    with closing(shop.another()) as keeper:
        keeper.step()
    assert shop.newest().seq == 15
    assert content_of(shop.newest()) == content_of(shop.rebuilt())


def test_a_rebuilt_index_is_that_of_the_journal_also_in_parts(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write(10)
    shop.write(5)
    shop.keeper.step()
    monkeypatch.setattr("deploy.keep.rebuilding.AT_ONCE", 3)
    rebuilt, followed = shop.rebuilt(), shop.newest()
    assert rebuilt.seq == followed.seq == 15
    assert list(content_of(rebuilt)) == list(content_of(followed)), "another order of slots breaks ties otherwise"
    assert content_of(rebuilt) == content_of(followed)


def test_another_catalogue_is_refused(shop: Shop, tmp_path: Path) -> None:
    other = Living(f"sqlite:///{tmp_path / 'other.sqlite'}", shop.living.snapshots)
    with closing(Database.open(other.catalogue, create=True)) as database:
        database.upsert([Entry(Product(f"Q{number}", "a lamp")) for number in range(20)])
    told = r"other\.sqlite: is catalogue .*, and release 1 was made of .*"
    with closing(shop.another(living=other)) as keeper, pytest.raises(WrongCatalogue, match=told):
        keeper.step()
    assert shop.kept() == []


def test_an_older_copy_of_the_catalogue_is_refused(shop: Shop, tmp_path: Path) -> None:
    shop.write(10)
    with closing(sqlite3.connect(tmp_path / "catalogue.sqlite")) as connection:
        connection.execute("VACUUM INTO ?", [str(tmp_path / "copy.sqlite")])
    shop.write(10)
    shop.keeper.step()
    older = Living(f"sqlite:///{tmp_path / 'copy.sqlite'}", shop.living.snapshots)
    damage(shop.living.snapshots / "0001" / f"{20:012d}")
    told = r"copy\.sqlite: ends at 10, and a snapshot has 20"
    with closing(shop.another(living=older)) as keeper, pytest.raises(WrongCatalogue, match=told):
        keeper.step()


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow beyond a few bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_on_a_full_disk_the_one_before_stays(shop: Shop) -> None:
    shop.write(10)
    shop.keeper.step()
    shop.write(40)
    shop.now += OPTIONS.snapshot_every_s
    with full_disk(), pytest.raises(SnapshotFailed, match="cannot be written"):
        shop.keeper.step()
    assert [one.name for one in (shop.living.snapshots / "0001").iterdir() if one.is_dir()] == [f"{10:012d}"]
    assert shop.newest().seq == 10
    shop.keeper.step()
    assert shop.newest().seq == 50


def test_a_keeper_that_cannot_begin_closes_its_database(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged() -> Space:
        raise DamagedRelease("settings.json: is damaged")

    opened: list[Database] = []
    closed: list[Database] = []

    class Watched(Database):
        def __init__(self, transactions: Transactions, catalogue_id: str) -> None:
            super().__init__(transactions, catalogue_id)
            opened.append(self)

        def close(self) -> None:
            closed.append(self)
            super().close()

    monkeypatch.setattr(snapshots, "Database", Watched)
    with pytest.raises(DamagedRelease):
        Snapshotting(shop.living, damaged, shop.events, OPTIONS)
    assert len(opened) == 1
    assert closed == opened
