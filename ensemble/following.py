"""An index of a release that follows the catalogue: the newest snapshot, then the journal."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ensemble.index import Follower, Index, Journal, Snapshots
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
    journal = partial(open_journal, space.space_id)
    follower = follow_index(kept, space.space_id, journal, engine=engine, fatal=fatal)
    return Retrieval(follower, space), follower


def follow_index(
    kept: Snapshots,
    space_id: str,
    open_journal: Callable[[str], Journal],
    *,
    engine: EngineChoice = CPU,
    fatal: tuple[type[Exception], ...] = (),
    make_ready: Callable[[Index], None] | None = None,
) -> Follower:
    """Open the newest snapshot of an index and follow the journal from there, until the follower is stopped.

    Args:
        kept: The snapshots.
        space_id: The space of the index's rows.
        open_journal: From a catalogue to a journal that gives rows of this space.
        engine: What searches the index.
        fatal: What the journal raises where it can never be followed.
        make_ready: Called with an index before it takes the place of the one in use.

    Raises:
        DamagedRelease: No snapshot can be used.
        GpuError: A GPU is wanted, and cannot be had.
        WrongCatalogue: The journal is not of the catalogue that the release was made of.
    """
    index = kept.newest(space_id, catalogue_id=catalogue_of(kept.own), engine=engine)

    def another() -> Journal:
        return open_journal(index.catalogue_id)

    follower = Follower(index, another(), kept, another=another, fatal=fatal, make_ready=make_ready)
    follower.start()
    return follower
