"""Snapshots of a living index: what they hold, when they are due, and how many are kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from catalogue.database import Patch
from deploy.keep import snapshots
from deploy.keep.served import Space
from tests.deploy.keep.shop import OPTIONS, SPACE, Shop, content_of, row_of


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


def test_it_turns_to_the_release_that_is_served(shop: Shop, tmp_path: Path) -> None:
    shop.write(10)
    shop.keeper.step()
    shutil.copytree(shop.space.index, tmp_path / "index2")
    shop.space = Space(2, tmp_path / "index2", SPACE, 1_000)
    shop.keeper.step()
    assert shop.kept() == [10]
    assert (shop.living.snapshots / "0002" / f"{10:012d}").is_dir()
