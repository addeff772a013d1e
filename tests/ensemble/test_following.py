from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ensemble import settings
from ensemble.errors import WrongCatalogue
from ensemble.following import follow
from ensemble.index import Snapshots
from tests import tiny
from tests.ensemble.journal_twin import TwinCatalogue, TwinJournal, index_of


class NotACatalogue(Exception):
    """What a journal raises that can never be followed."""


def shop() -> TwinCatalogue:
    catalogue = TwinCatalogue(tiny.SPACE)
    for number, product in enumerate(tiny.products(10)):
        catalogue.upsert(product, np.full(tiny.SPACE.row_dim, number))
    return catalogue


@pytest.fixture
def release(tmp_path: Path) -> Path:
    settings.write(tmp_path / "settings.json", space=tiny.SPACE)
    shop().index().save(tmp_path / "index")
    return tmp_path


def test_a_release_begins_with_its_newest_snapshot_and_the_journal(release: Path) -> None:
    catalogue = shop()
    catalogue.delete("P001")
    Snapshots(release / "snapshots", release / "index").write(index_of(catalogue))
    catalogue.delete("P002")
    opened: list[tuple[str, str]] = []

    def journal(space_id: str, catalogue_id: str) -> TwinJournal:
        opened.append((space_id, catalogue_id))
        return TwinJournal(catalogue)

    _, follower = follow(release, release / "snapshots", journal)
    assert opened == [("tiny", "catalogue-a")]
    assert (follower.index.seq, follower.index.live, follower.index.dead) == (12, 8, 1)
    assert follower.catch_up(catalogue.delete("P003"), 10)
    assert follower.index.slots.find(["P003"]).tolist() == [-1]
    follower.stop()


def test_snapshots_of_another_catalogue_are_left_alone(release: Path) -> None:
    other = TwinCatalogue(tiny.SPACE, "catalogue-b")
    for product in tiny.products(20):
        other.upsert(product, np.ones(tiny.SPACE.row_dim))
    Snapshots(release / "snapshots", release / "index").write(index_of(other))
    catalogue = shop()
    _, follower = follow(release, release / "snapshots", lambda *_: TwinJournal(catalogue))
    assert follower.index.live == 10
    follower.stop()


def test_a_journal_that_can_never_be_followed_is_refused(release: Path) -> None:
    journal = TwinJournal(shop())
    journal.broken = NotACatalogue("an empty file")
    with pytest.raises(WrongCatalogue, match="the catalogue cannot be followed: an empty file"):
        follow(release, release / "snapshots", lambda *_: journal, fatal=(NotACatalogue,))
