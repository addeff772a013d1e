"""A release's recommender: over its index as it was made, or over one that follows the catalogue."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.encoded_journal import EncodedJournal
from ensemble.following import OpenJournal, follow_index
from ensemble.index import Follower, Index, Snapshots, Still
from ensemble.index.choice import CPU, EngineChoice
from ensemble.tasks import Recommender, Shop

# Below the snapshots of a release: those of its recommender's index.
SNAPSHOTS = "recommender"


def still_recommender(folder: Path, *, engine: EngineChoice = CPU) -> Recommender:
    """The recommender of a release as it was made, over ``index/`` in its folder.

    Raises:
        DamagedRelease: A file is missing, altered, or of another space.
        BadProfiles: The file of profiles has mistakes.
        GpuError: A GPU is wanted, and cannot be had.
    """
    shop = Shop.open(folder)
    index = Index.open(folder / "index", space_id=shop.recommend.space_id, engine=engine)
    return _warm(Recommender(shop, Still(index)))


def follow_recommender(
    folder: Path,
    snapshots: Path,
    open_journal: OpenJournal,
    *,
    engine: EngineChoice = CPU,
    fatal: tuple[type[Exception], ...] = (),
) -> tuple[Recommender, Follower]:
    """Open the recommender of a release as the catalogue is now, and keep it so until the follower is stopped.

    Args:
        folder: Of the release's recommender.
        snapshots: Where the snapshots of its index are.
        open_journal: From a space and a catalogue to its journal, which gives the rows of all products that changed.
        engine: What searches the index.
        fatal: What the journal raises where it can never be followed.

    Raises:
        DamagedRelease: A file of the release is missing, altered, or of another space.
        BadProfiles: The file of profiles has mistakes.
        GpuError: A GPU is wanted, and cannot be had.
        WrongCatalogue: The journal is not of the catalogue that the release was made of.
    """
    shop = Shop.open(folder)

    def journal(catalogue_id: str) -> EncodedJournal:
        return EncodedJournal(open_journal(shop.space.space_id, catalogue_id), shop.tower)

    kept, space_id = Snapshots(snapshots, folder / "index"), shop.recommend.space_id
    follower = follow_index(kept, space_id, journal, engine=engine, fatal=fatal, make_ready=partial(_make_ready, shop))
    return _warm(Recommender(shop, follower)), follower


def _warm(recommender: Recommender) -> Recommender:
    """Ask once for each task, so that no caller waits for code that is compiled when it first runs."""
    with recommender.index.reading() as state:
        live = np.flatnonzero(state.slots.valid)[:1]
        products = state.slots.ids(live)
    for product in products:
        profiles = {profile.task: name for name, profile in recommender.shop.profiles.by_name.items()}
        asked = [{"PRODUCT_ID": _words(product), "TASK": _words(name)} for name in profiles.values()]
        recommender.answer(asked)
    return recommender


def _words(word: str) -> NDArray[Any]:
    return np.array([[word.encode()]], object)


def _make_ready(shop: Shop, index: Index) -> None:
    """What a search over another index would wait for."""
    if shop.clusters is not None:
        shop.clusters.prepare(index.slots)
