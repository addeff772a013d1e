"""The indexes of a release whose snapshots are kept new: the one that is searched, and its recommender's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from catalogue.database import Journal
from deploy.keep.rebuilding import rebuild
from deploy.keep.served import Space
from deploy.living import Living
from ensemble.encoded_journal import encode
from ensemble.index import Changes, Index
from ensemble.product_tower import open_product_tower
from ensemble.recommending import SNAPSHOTS
from ensemble.settings import SpaceSettings
from ensemble.tasks import read_settings


@dataclass(frozen=True)
class KeptIndex:
    """One index of a release.

    Args:
        told: What it is, for people.
        own: Its snapshot as it was released.
        folder: Of its newer snapshots.
        all_folders: Those of all indexes of the release: they are brought up to date by one journal.
        space: Of its rows.
        journal: Of the catalogue; closed by ``close``.
        encode: From the journal's changes to those of this index.
    """

    told: str
    own: Path
    folder: Path
    all_folders: Sequence[Path]
    space: SpaceSettings
    journal: Journal
    encode: Callable[[Changes], Changes]

    def changes(self, after: int) -> Changes:
        """What changed after a sequence number.

        Raises:
            JournalTrimmed: The journal does not reach back so far.
            DatabaseError: The database is away.
            ChangesRefused: A product cannot be encoded.
        """
        return self.encode(self.journal.changes(after))

    def rebuilt(self, catalogue_id: str) -> Index:
        """The index made from the database alone.

        Raises:
            DatabaseError: The database is away.
            ChangesRefused: A product cannot be encoded.
        """
        return rebuild(self.journal, self.space, catalogue_id, self.encode)

    def close(self) -> None:
        """Close the connections."""
        self.journal.close()


# From a release, the catalogue and its id to one of the release's indexes; None where it has none of this kind.
OpenIndex = Callable[[Space, Living, str], KeptIndex | None]


def searched_index(space: Space, living: Living, catalogue_id: str) -> KeptIndex:
    """The index that searches look into."""
    settings = space.settings
    journal = Journal(living.catalogue, settings.space_id, catalogue_id)
    folders = _folders(space, living)
    return KeptIndex(f"release {space.release}", space.index, folders[0], folders, settings, journal, _as_it_is)


def recommended_index(space: Space, living: Living, catalogue_id: str) -> KeptIndex | None:
    """The index of product vectors, where the release has a recommender.

    Raises:
        DamagedRelease: A file of the recommender is missing or cannot be used.
    """
    if space.recommender is None:
        return None
    rows, vectors = read_settings(space.recommender)
    tower = open_product_tower(space.recommender, rows)
    journal = Journal(living.catalogue, rows.space_id, catalogue_id, all_rows=True)
    folders, told = _folders(space, living), f"the recommender of release {space.release}"
    own, make = space.recommender / "index", partial(encode, tower=tower)
    return KeptIndex(told, own, folders[1], folders, vectors.space, journal, make)


def _folders(space: Space, living: Living) -> tuple[Path, ...]:
    folder = living.snapshots / f"{space.release:04d}"
    return (folder,) if space.recommender is None else (folder, folder / SNAPSHOTS)


def _as_it_is(changes: Changes) -> Changes:
    return changes
