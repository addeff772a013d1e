"""A shop whose index lives: its catalogue, a release and a keeper of the snapshots."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np

from catalogue import Product
from catalogue.database import Database, Entry, Journal, Vector
from catalogue.database import Space as Registered
from deploy.events import EventLog
from deploy.keep.options import KeepOptions
from deploy.keep.rebuilding import rebuild
from deploy.keep.served import Space
from deploy.keep.snapshots import Snapshotting
from deploy.living import Living
from ensemble.index import Index
from ensemble.index.snapshots import Snapshots
from tests import tiny

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
