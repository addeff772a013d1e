"""Writes snapshots of a served index: the newest one, brought up to date by the journal and compacted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from catalogue.database import Database
from catalogue.errors import JournalTrimmed
from deploy.events import EventLog, logger
from deploy.keep.indexes import KeptIndex, OpenIndex, searched_index
from deploy.keep.options import KeepOptions
from deploy.keep.served import Space
from deploy.keep.tables import reach
from deploy.living import Living
from ensemble.errors import ChangesRefused, DamagedRelease, WrongCatalogue
from ensemble.index import Index
from ensemble.index.choice import EngineChoice
from ensemble.index.snapshot import header_of
from ensemble.index.snapshots import Snapshots

KEPT = 2
# Changes that are more than this part of the products leave an index of mostly dead slots soon, and are not kept
# waiting for the whole interval.
MANY = 0.2
SOONER = 10
# Entries that are left before the oldest snapshot when a journal is trimmed, for servers that are behind.
TRIM_MARGIN = 10_000


@dataclass(frozen=True)
class _Newest:
    """The newest snapshot that can be used, as far as this process knows.

    Args:
        seq: Its last journal entry; -1 where there is none.
        products: How many it has.
        damaged: Whether newer ones cannot be used, so that a restart has to go back to it.
    """

    seq: int = -1
    products: int = 0
    damaged: bool = False


class Snapshotting:
    """Keeps the newest snapshot of one index of the served release close to the catalogue's head.

    Args:
        living: The catalogue, and the folder of all snapshots.
        space: Tells the space of the release that is served.
        events: Is told of each snapshot.
        options: How often, and whether the journal is trimmed.
        clock: Seconds, monotonic.
        open_index: Which index of the release.

    Raises:
        DatabaseError: The database is away.
    """

    def __init__(
        self,
        living: Living,
        space: Callable[[], Space],
        events: EventLog,
        options: KeepOptions,
        clock: Callable[[], float] = time.monotonic,
        *,
        open_index: OpenIndex = searched_index,
    ) -> None:
        self._living, self._served, self._events, self._options = living, space, events, options
        self._clock, self._open_index = clock, open_index
        self._database = Database.open(living.catalogue)
        self._catalogue_id = self._database.catalogue_id
        self._newest: _Newest | None = None
        try:
            self._begin(space())
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Close the connections."""
        if self._index is not None:
            self._index.close()
        self._database.close()

    def step(self) -> bool:
        """Write a snapshot, if one is due.

        Returns:
            False: there is never more to do at once.

        Raises:
            DatabaseError: The database is away.
            EnsembleError: The snapshot cannot be written, a change cannot be applied, or it is another catalogue.
        """
        space = self._served()
        if space != self._space:
            if self._index is not None:
                self._index.close()
            self._begin(space)
        if self._index is None:
            return False
        head, trimmed = reach(self._database)
        newest = self._newest = self._look(self._index)
        if newest.seq < trimmed or self._is_due(head, newest):  # what it lacks, no restart could replay
            self._write(self._index)
        return False

    def _begin(self, space: Space) -> None:
        """Turn to a release."""
        self._space, self._index = space, None
        self._index = self._open_index(space, self._living, self._catalogue_id)
        self._newest, self._wrote_at = None, -math.inf

    def _look(self, kept: KeptIndex) -> _Newest:
        snapshots = _snapshots(kept)
        if self._newest is not None:
            return replace(self._newest, seq=snapshots.newer(self._newest.seq) or self._newest.seq)
        try:
            index = self._open(kept, snapshots)
        except DamagedRelease:
            return _Newest(damaged=True)
        return _Newest(index.seq, index.live, damaged=bool(snapshots.refused))

    def _is_due(self, head: int, newest: _Newest) -> bool:
        if newest.damaged:
            return True
        changes, waited = head - newest.seq, self._clock() - self._wrote_at
        # One that is further back than journals are trimmed to may have nothing left to begin with.
        if changes < min(self._options.min_changes, TRIM_MARGIN):
            return False
        many = changes > MANY * newest.products
        return waited >= self._options.snapshot_every_s / (SOONER if many else 1)

    def _write(self, kept: KeptIndex) -> None:
        started = self._clock()
        index = self._replayed(kept)
        dead = index.dead
        _snapshots(kept).write(index, KEPT)
        self._newest, self._wrote_at = _Newest(index.seq, index.live), self._clock()
        text = f"snapshot of {kept.told} at {index.seq:,}: {index.live:,} products"
        self._events.add("snapshot_written", f"{text}, {dead:,} dead slots left out", seconds=self._wrote_at - started)
        if self._options.trim:
            self._trim(kept)

    def _replayed(self, kept: KeptIndex) -> Index:
        """The newest snapshot with all changes since, or else everything that the database has."""
        self._check_catalogue(kept)
        try:
            index = self._open(kept, _snapshots(kept))
            index.apply(kept.changes(index.seq))
        except (DamagedRelease, JournalTrimmed, ChangesRefused) as error:
            logger.warning("the index is made from the database anew, since %s", error)
            return kept.rebuilt(self._catalogue_id)
        return index

    def _check_catalogue(self, kept: KeptIndex) -> None:
        """Refuse to fill the snapshots of one catalogue with the products of another.

        Raises:
            WrongCatalogue: The release was made of another one, or of a newer state.
        """
        try:
            own = header_of(kept.own)
        except DamagedRelease:
            return  # nothing is left to compare with but the database itself
        if own["catalogue_id"] != self._catalogue_id:
            told = own["catalogue_id"] or "none"
            raise WrongCatalogue(
                f"{self._database.url_shown}: is catalogue {self._catalogue_id}, and {kept.told} was made of {told}; "
                "make a new release"
            )
        newest, head = max(own["seq"], _snapshots(kept).newer(-1) or 0), kept.journal.head()
        if newest > head:
            raise WrongCatalogue(
                f"{self._database.url_shown}: ends at {head:,}, and a snapshot has {newest:,}: it is an older copy "
                "of the catalogue. Bring back the newer one, or make a new release"
            )

    def _trim(self, kept: KeptIndex) -> None:
        """Forget what no snapshot of any index of the release needs."""
        numbers = [
            sorted(int(one.name) for one in folder.glob("*") if one.name.isdigit()) for folder in kept.all_folders
        ]
        if all(len(each) >= KEPT and each[0] > TRIM_MARGIN for each in numbers):
            self._database.trim(min(each[0] for each in numbers) - TRIM_MARGIN)

    def _open(self, kept: KeptIndex, snapshots: Snapshots) -> Index:
        # Nobody searches it: an ANN structure is made for the slots that are written, not followed.
        exact = EngineChoice("exact")
        return snapshots.newest(kept.space.space_id, catalogue_id=self._catalogue_id, engine=exact)


def _snapshots(kept: KeptIndex) -> Snapshots:
    """Anew each time: a folder that was refused may have been replaced."""
    return Snapshots(kept.folder, kept.own)
