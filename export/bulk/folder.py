"""The folder of shards: ``shard-NNNNNN.parquet``, and ``manifest.json``, which is there when all of them are whole.

Shards that no longer fit the catalogue go to ``earlier/`` until the run is done, as most of their rows are still good.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ensemble.hashing import sha256
from export.bulk.manifest import MANIFEST, BulkManifest, ShardFile
from export.bulk.shards import Shard, Stamp, read, stamp_of, sync_folder, write
from export.errors import DamagedShard, StoreBusy, WrongShard

EARLIER = "earlier"
LOCK = ".lock"
# In the folder: all bad rows of a catalogue, where they are too many to be shown.
BAD_ROWS = "bad-rows.jsonl"


@dataclass(frozen=True)
class ShardFolder:
    """A folder of shards.

    Args:
        root: Where it is.
    """

    root: Path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder, and keep other runs out of it.

        Raises:
            StoreBusy: Another run works in it.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreBusy(f"{self.root}: another run embeds here; wait for it, or give another --out") from None
            yield

    def path(self, number: int) -> Path:
        """Where a shard is."""
        return self.root / f"shard-{number:06d}.parquet"

    def shards(self) -> list[Path]:
        """Every shard in its place, by its number."""
        return sorted(self.root.glob("shard-*.parquet"))

    def earlier(self) -> list[Path]:
        """Shards of former states of the catalogue that a run has not done with."""
        return sorted((self.root / EARLIER).glob("*.parquet"))

    def check(self, stamp: Stamp) -> None:
        """Refuse to go on among shards of something else; damaged ones are nobody's.

        Raises:
            WrongShard: Names the first.
        """
        for path in (*self.shards(), *self.earlier()):
            try:
                there = stamp_of(path)
            except DamagedShard:
                continue
            for name in ("space_id", "catalogue", "row_dim", "format"):
                found, own = getattr(there, name), getattr(stamp, name)
                if found != own:
                    raise WrongShard(
                        f"{path}: a shard with {name} = {found}; allowed here: {own}. Give another --out, "
                        "or remove the shards that are there"
                    )

    def put(self, shard: Shard, stamp: Stamp) -> None:
        """Write a shard to its place; from then on the folder is not whole until ``finish``."""
        self._unfinish()
        write(self.path(shard.number), shard, stamp)

    def set_aside(self, path: Path) -> Path:
        """Move a shard that no longer fits to ``earlier/``; returns where it is now."""
        self._unfinish()
        folder = self.root / EARLIER
        folder.mkdir(exist_ok=True)
        moved = folder / f"{sha256(path)[:32]}.parquet"
        path.replace(moved)
        sync_folder(self.root)
        return moved

    def finish(self, manifest: BulkManifest) -> None:
        """Say that the folder is whole, and remove what is no part of it."""
        named = {entry.file for entry in manifest.shards}
        for path in self.shards():
            if path.name not in named:
                path.unlink()
        shutil.rmtree(self.root / EARLIER, ignore_errors=True)
        for partial in self.root.glob("*.part"):
            partial.unlink()
        manifest.save(self.root)

    def entry(self, number: int) -> tuple[ShardFile, Shard]:
        """A shard in its place, as the manifest tells it.

        Raises:
            DamagedShard: It is none.
        """
        path = self.path(number)
        shard, _ = read(path)
        return ShardFile(path.name, len(shard.ids), sha256(path)), shard

    def _unfinish(self) -> None:
        (self.root / MANIFEST).unlink(missing_ok=True)
