"""A release's retrieval that follows the catalogue: the newest snapshot, then the journal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ensemble.index import Follower, Journal, Snapshots
from ensemble.index.choice import CPU, EngineChoice
from ensemble.index.snapshot import catalogue_of
from ensemble.retrieval import Retrieval
from ensemble.settings import SpaceSettings, read

# The journal of a space, in a catalogue.
OpenJournal = Callable[[str, str], Journal]


def follow(
    folder: Path,
    snapshots: Path,
    open_journal: OpenJournal,
    *,
    engine: EngineChoice = CPU,
    fatal: tuple[type[Exception], ...] = (),
) -> tuple[Retrieval, Follower]:
    """Open the index of a release as it is now, and keep it so until the follower is stopped.

    Args:
        folder: ``settings.json`` and ``index/`` of the release.
        snapshots: Where the release's snapshots are.
        open_journal: From a space and a catalogue to its journal.
        engine: What searches the index.
        fatal: What the journal raises where it can never be followed.

    Raises:
        DamagedRelease: A file of the release is missing, altered, or of another space.
        GpuError: A GPU is wanted, and cannot be had.
        WrongCatalogue: The journal is not of the catalogue that the release was made of.
    """
    space = read(folder / "settings.json", "space", SpaceSettings)
    kept = Snapshots(snapshots, folder / "index")
    catalogue_id = catalogue_of(folder / "index")
    index = kept.newest(space.space_id, catalogue_id=catalogue_id, engine=engine)

    def another() -> Journal:
        return open_journal(space.space_id, index.catalogue_id)

    follower = Follower(index, another(), kept, another=another, fatal=fatal)
    follower.start()
    return Retrieval(follower, space), follower
