"""Snapshots of a living index, written from what there is: the newest good one and the journal, or the database."""

from __future__ import annotations

import json
import resource
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from catalogue import Product
from catalogue.database import Database, Entry, Journal, Patch, Vector
from catalogue.database import Space as Registered
from deploy.events import EventLog
from deploy.keep import snapshots
from deploy.keep.options import KeepOptions
from deploy.keep.rebuilding import rebuild
from deploy.keep.served import Space
from deploy.keep.snapshots import Snapshotting
from deploy.living import Living
from ensemble.errors import DamagedRelease, SnapshotFailed, WrongCatalogue
from ensemble.index import Follower, Index
from ensemble.index.snapshots import Snapshots
from tests import tiny
from tests.deploy.conftest import wait_for

SPACE = tiny.SPACE
OPTIONS = KeepOptions(snapshot_every_s=100.0, min_changes=10)


class Shop:
    """A catalogue, a release made of it while it was empty, and a keeper of its snapshots."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, 1_000.0
        self.living = Living(f"sqlite:///{folder / 'catalogue.sqlite'}", folder / "snapshots")
        self.database = Database.open(self.living.catalogue, create=True)
        self.database.register(Registered(SPACE.space_id, SPACE.text_dim, SPACE.image_dim))
        self.space = Space(1, folder / "index", SPACE, 1_000)
        self.events = EventLog(folder / "events.jsonl")
        self.rebuilt().save(self.space.index)
        self.keeper = self.another()

    def another(self, options: KeepOptions = OPTIONS, living: Living | None = None) -> Snapshotting:
        return Snapshotting(living or self.living, lambda: self.space, self.events, options, lambda: self.now)

    def rebuilt(self) -> Index:
        with closing(Journal(self.living.catalogue, SPACE.space_id)) as journal:
            return rebuild(journal, SPACE, self.database.catalogue_id)

    def write(self, count: int, *, start: int = 0) -> None:
        entries = [
            Entry(Product(f"P{number:03}", "red mug"), vector=Vector(SPACE.space_id, row_of(number)))
            for number in range(start, start + count)
        ]
        assert all(isinstance(seq, int) for seq in self.database.upsert(entries))

    def kept(self) -> list[int]:
        folder = self.living.snapshots / f"{self.space.release:04d}"
        return sorted(int(one.name) for one in folder.glob("[0-9]*")) if folder.is_dir() else []

    def newest(self) -> Index:
        return Snapshots(self.living.snapshots / "0001", self.space.index).newest(SPACE.space_id)

    def close(self) -> None:
        self.keeper.close()
        self.database.close()


def row_of(number: int) -> np.ndarray[tuple[int], np.dtype[np.float16]]:
    return np.random.default_rng(number).normal(size=SPACE.row_dim).astype(np.float16)


def content_of(index: Index) -> dict[str, tuple[bytes, bytes]]:
    """Document and row of each product."""
    slots = np.flatnonzero(index.slots.valid)
    rows = index.slots.rows(slots)
    return {
        name: (index.slots.document(int(slot)), row.tobytes())
        for name, slot, row in zip(index.slots.ids(slots), slots, rows, strict=True)
    }


def damage(folder: Path) -> None:
    with (folder / "vectors.npy").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x77")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with closing(Shop(tmp_path)) as made:
        yield made


def test_a_snapshot_is_the_catalogue_without_dead_slots(shop: Shop) -> None:
    shop.write(12)
    shop.write(4, start=8)
    shop.database.patch([Patch("P000", {"price": 3.0})])
    shop.database.delete(["P001"])
    shop.keeper.step()
    index = shop.newest()
    assert index.seq == shop.database.head() == shop.kept()[0]
    assert index.dead == 0
    assert index.live == 11
    assert content_of(index) == content_of(shop.rebuilt())
    assert json.loads(content_of(index)["P000"][0])["price"] == 3.0
    assert content_of(index)["P009"][1] == row_of(9).tobytes()
    (event,) = shop.events.all()
    assert event.kind == "snapshot_written"
    assert event.text == "snapshot of release 1 at 18: 11 products, 0 dead slots left out"


def test_it_waits_for_enough_changes_and_for_the_interval(shop: Shop) -> None:
    shop.write(9)
    shop.keeper.step()
    assert shop.kept() == []
    shop.write(100, start=9)
    shop.keeper.step()
    assert shop.kept() == [109]
    shop.write(20)
    shop.now += OPTIONS.snapshot_every_s - 1
    shop.keeper.step()
    assert shop.kept() == [109]
    shop.now += 1
    shop.keeper.step()
    assert shop.kept() == [109, 129]


def test_very_many_changes_do_not_wait_for_the_whole_interval(shop: Shop) -> None:
    shop.write(50)
    shop.keeper.step()
    shop.write(11)
    shop.now += OPTIONS.snapshot_every_s / snapshots.SOONER
    shop.keeper.step()
    assert shop.kept() == [50, 61]
    assert "50 products, 11 dead slots left out" in shop.events.all()[-1].text


def test_the_last_two_are_kept(shop: Shop) -> None:
    for _ in range(4):
        shop.write(10)
        shop.now += OPTIONS.snapshot_every_s
        shop.keeper.step()
    assert shop.kept() == [30, 40]


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


def test_where_the_journal_is_trimmed_the_database_is_enough(shop: Shop) -> None:
    shop.write(15)
    shop.database.delete(["P003"])
    shop.database.trim(12)
    shop.keeper.step()
    assert shop.newest().seq == 16
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


def test_it_turns_to_the_release_that_is_served(shop: Shop, tmp_path: Path) -> None:
    shop.write(10)
    shop.keeper.step()
    shutil.copytree(shop.space.index, tmp_path / "index2")
    shop.space = Space(2, tmp_path / "index2", SPACE, 1_000)
    shop.keeper.step()
    assert shop.kept() == [10]
    assert (shop.living.snapshots / "0002" / f"{10:012d}").is_dir()
