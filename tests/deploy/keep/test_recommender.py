"""Snapshots of a recommender's index, beside those of the index that is searched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catalogue.database import Journal, Patch
from deploy.keep import snapshots
from deploy.keep.indexes import recommended_index
from deploy.keep.options import KeepOptions
from deploy.keep.snapshots import Snapshotting
from ensemble.index import Index, IndexBuilder, Snapshots
from ensemble.product_tower import FrozenProductTower
from ensemble.recommending import follow_recommender
from ensemble.tasks import RecommendSettings, write_settings
from tests.deploy.conftest import wait_for
from tests.deploy.keep.shop import OPTIONS, SPACE, Shop, content_of, row_of

VECTORS = RecommendSettings("frozen products", SPACE.text_dim)


@pytest.fixture
def recommending(shop: Shop) -> Shop:
    """The shop, whose release has a recommender with a frozen tower."""
    folder = shop.folder / "recommender"
    folder.mkdir()
    write_settings(folder, SPACE, VECTORS)
    IndexBuilder(VECTORS.space, catalogue_id=shop.database.catalogue_id).save(folder / "index")
    shop.space = replace(shop.space, recommender=folder)
    return shop


@pytest.fixture
def keeper(recommending: Shop) -> Iterator[Snapshotting]:
    with closing(another(recommending)) as made:
        yield made


def another(shop: Shop, options: KeepOptions = OPTIONS) -> Snapshotting:
    """A keeper of the recommender's index."""
    return Snapshotting(
        shop.living, lambda: shop.space, shop.events, options, lambda: shop.now, open_index=recommended_index
    )


def folder_of(shop: Shop) -> Path:
    return shop.living.snapshots / "0001" / "recommender"


def newest(shop: Shop) -> Index:
    return Snapshots(folder_of(shop), shop.folder / "recommender" / "index").newest(VECTORS.space_id)


def test_a_snapshot_holds_the_vectors_of_the_products(recommending: Shop, keeper: Snapshotting) -> None:
    shop = recommending
    shop.write(12)
    shop.database.patch([Patch("P000", {"available": False})])
    shop.database.delete(["P001"])
    keeper.step()
    index = newest(shop)
    assert (index.seq, index.live, index.dead) == (shop.database.head(), 11, 0)
    vector = FrozenProductTower(SPACE).encode(row_of(9)[None].astype(np.float32), [{}])[0].astype(np.float16)
    assert content_of(index)["P009"][1] == vector.tobytes()
    assert shop.kept() == [], "the index that is searched has its own keeper"
    text = "snapshot of the recommender of release 1 at 14: 11 products, 0 dead slots left out"
    assert [event.text for event in shop.events.all()] == [text]


def test_what_is_replayed_is_what_the_database_holds(recommending: Shop, keeper: Snapshotting) -> None:
    shop = recommending
    shop.write(12)
    keeper.step()
    shop.write(12, start=4)
    shop.database.patch([Patch("P000", {"price": 2.0})])
    shop.now += OPTIONS.snapshot_every_s
    keeper.step()
    followed = content_of(newest(shop))
    shop.database.trim(shop.database.head() - 1)
    for folder in folder_of(shop).glob("[0-9]*"):
        (folder / "vectors.npy").write_bytes(b"")
    with closing(another(shop)) as anew:
        anew.step()
    assert len(followed) == 16
    assert content_of(newest(shop)) == followed


def test_the_journal_is_trimmed_up_to_the_older_of_both(recommending: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "TRIM_MARGIN", 4)
    shop, options = recommending, KeepOptions(100.0, 10, trim=True)
    with ExitStack() as stack:
        searched = stack.enter_context(closing(shop.another(options)))
        recommended = stack.enter_context(closing(another(shop, options)))
        for keeper, trimmed in ((searched, 0), (searched, 0), (recommended, 0), (recommended, 6)):
            shop.write(10)
            shop.now += options.snapshot_every_s
            keeper.step()
            with shop.database.reading() as reading:
                assert reading.journal_size()[1] == trimmed
    assert shop.kept() == [10, 20]
    assert sorted(int(one.name) for one in folder_of(shop).glob("[0-9]*")) == [30, 40]


def test_a_release_without_a_recommender_is_none_of_its_business(shop: Shop) -> None:
    with closing(another(shop)) as keeper:
        shop.write(20)
        keeper.step()
    assert not folder_of(shop).exists()


def test_a_recommender_begins_with_the_newest_and_the_journal(recommending: Shop, keeper: Snapshotting) -> None:
    shop = recommending
    shop.write(12)
    keeper.step()
    shop.write(1, start=12)

    def journal(space_id: str, catalogue_id: str) -> Journal:
        return Journal(shop.living.catalogue, space_id, catalogue_id, all_rows=True)

    recommender, follower = follow_recommender(shop.folder / "recommender", folder_of(shop), journal)
    try:
        assert (follower.index.seq, follower.index.live) == (13, 13)
        assert len(follower.index.slots.base) == 12, "what the snapshot has is mapped, and only the rest encoded"
        shop.database.patch([Patch("P003", {"available": False})])
        wait_for(lambda: follower.catch_up(14, timeout_s=1.0))
        assert follower.index.dead == 0
        asked = {"PRODUCT_ID": np.array([[b"P003"]], object), "MIN_SEQ": np.array([[14]])}
        (answer,) = recommender.answer([asked])
        assert not isinstance(answer, Exception)
        assert answer.found.seq == 14
    finally:
        follower.stop()
