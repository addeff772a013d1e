"""A catalogue, a release made of it while it was empty, and its snapshots: all that outlives a crash."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalogue.database import Database, Journal, JournalEntry
from catalogue.database import Space as Registered
from deploy.keep.rebuilding import rebuild
from deploy.keep.served import Space
from deploy.living import Living
from ensemble.index import Index
from ensemble.index.snapshots import Snapshots
from tests import tiny
from tests.living.twin import Document

RELEASE = tiny.RELEASE


@dataclass(frozen=True)
class Left:
    """What lies on the disk after a crash.

    Args:
        documents: Every product of the catalogue.
        entries: The journal, from a number on.
    """

    documents: dict[str, Document]
    entries: list[JournalEntry]


@dataclass(frozen=True)
class Place:
    """Where everything lies.

    Args:
        folder: A folder.
        catalogue: URL of the catalogue.
    """

    folder: Path
    catalogue: str

    @classmethod
    def make(cls, folder: Path, catalogue: str | None = None) -> Place:
        """A release of the tiny towers, of a catalogue that is empty; by default a SQLite file in the folder."""
        place = cls(folder, catalogue or f"sqlite:///{folder / 'catalogue.sqlite'}")
        tiny.write_release(place.models)
        with closing(Database.open(place.catalogue, create=True)) as database:
            database.register(Registered(tiny.SPACE.space_id, tiny.SPACE.text_dim, tiny.SPACE.image_dim))
            with closing(place.journal()) as journal:
                rebuild(journal, tiny.SPACE, database.catalogue_id).save(place.space.index)
        return place

    @property
    def models(self) -> Path:
        """Triton's repository."""
        return self.folder / "models"

    @property
    def living(self) -> Living:
        """The catalogue and the snapshots."""
        return Living(self.catalogue, self.folder / "snapshots")

    @property
    def space(self) -> Space:
        """The release's space."""
        return Space.of(self.models, RELEASE)

    def record(self, name: str) -> Path:
        """Where a part tells what it did."""
        return self.folder / f"{name}.record"

    def journal(self) -> Journal:
        """The catalogue's journal."""
        return Journal(self.catalogue, tiny.SPACE.space_id)

    def snapshots(self) -> Snapshots:
        """Of the release."""
        return Snapshots(self.living.snapshots / f"{RELEASE:04d}", self.space.index)

    def snapshots_written(self) -> int:
        """How many, over all lives."""
        events = self.folder / "events.jsonl"
        return events.read_text().count('"snapshot_written"') if events.exists() else 0

    def snapshot_is_written(self) -> bool:
        """Whether one is being written now, or a writer of one was killed."""
        return any((self.living.snapshots / f"{RELEASE:04d}").glob(".*.unfinished"))

    def left(self, after: int) -> Left:
        """What there is, with the journal's entries after a number, which must be without a gap."""
        with closing(Database.open(self.catalogue)) as database, database.reading() as reading:
            entries = reading.entries(after, limit=1 << 30)
            assert [entry.seq for entry in entries] == list(range(after + 1, reading.seq + 1))
            documents = [stored.product.as_dict() for stored in reading.products()]
        plain = [{name: value for name, value in one.items() if name != "image"} for one in documents]
        return Left({one["id"]: one for one in plain}, entries)

    def hold_snapshots(self) -> None:
        """No snapshot is damaged, and with the journal the newest one is what the database holds."""
        snapshots = self.snapshots()
        with closing(self.journal()) as journal:
            index = snapshots.newest(tiny.SPACE.space_id)
            assert not snapshots.refused
            index.apply(journal.changes(index.seq))
            rebuilt = rebuild(journal, tiny.SPACE, index.catalogue_id)
        assert index.seq == rebuilt.seq
        assert index.unembedded == rebuilt.unembedded
        assert _content(index) == _content(rebuilt)


def _content(index: Index) -> list[tuple[str, bytes, bytes]]:
    """Id, document and row of each valid slot, in their order."""
    slots = np.flatnonzero(index.slots.valid)
    rows = index.slots.rows(slots)
    return [
        (name, index.slots.document(int(slot)), row.tobytes())
        for name, slot, row in zip(index.slots.ids(slots), slots, rows, strict=True)
    ]
