"""Finds rows in shards by what they were made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.hashing import sha256
from export.bulk.manifest import BulkManifest
from export.bulk.shards import Halves, read
from export.errors import BadVectors, DamagedShard


class Vectors:
    """The rows of some shards. It holds a hash a product in memory, and one shard at a time.

    Args:
        row_dim: Length of a row.
    """

    def __init__(self, row_dim: int) -> None:
        self.row_dim = row_dim
        self._paths: list[Path] = []
        self._places: dict[bytes, tuple[int, int]] = {}
        self._read: tuple[int, Halves] | None = None

    @classmethod
    def of(cls, paths: Iterable[Path], row_dim: int) -> Vectors:
        """Those of all shards that are whole; each is read once, to see whether it is."""
        vectors = cls(row_dim)
        for path in paths:
            try:
                vectors._add(path)
            except DamagedShard:
                continue
        return vectors

    @classmethod
    def open(cls, folder: Path) -> tuple[Vectors, BulkManifest]:
        """Those of a folder that is whole.

        Raises:
            BadVectors: It is not: a shard is missing, or not what the manifest says.
        DamagedShard: The manifest says what no run wrote.
        """
        manifest = BulkManifest.load(folder)
        vectors = cls(manifest.row_dim)
        for entry in manifest.shards:
            path = folder / entry.file
            if not path.is_file() or sha256(path) != entry.sha256:
                raise BadVectors(
                    f"{path}: missing, or not what {folder} was finished with; `python -m export embed` into the same "
                    "folder makes it again"
                )
            vectors._add(path)
        return vectors, manifest

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, content: str) -> bool:
        return bytes.fromhex(content) in self._places

    def rows(self, contents: Sequence[str]) -> Halves:
        """Rows ``(products, row_dim)`` float16 of contents that are all there.

        Raises:
            DamagedShard: One that was whole is not any more.
        """
        places = np.array([self._places[bytes.fromhex(content)] for content in contents], np.int64).reshape(-1, 2)
        found = np.zeros((len(contents), self.row_dim), np.float16)
        for shard in np.unique(places[:, 0]):
            wanted: NDArray[np.bool_] = places[:, 0] == shard
            found[wanted] = self._rows_of(int(shard))[places[wanted, 1]]
        return found

    def moved(self, before: Path, after: Path) -> None:
        """Look for a shard's rows elsewhere from now on."""
        self._paths = [after if path == before else path for path in self._paths]

    def _add(self, path: Path) -> None:
        shard, stamp = read(path)
        if stamp.row_dim != self.row_dim:
            raise DamagedShard(f"{path}: rows of {stamp.row_dim} values; allowed: {self.row_dim}")
        number = len(self._paths)
        self._paths.append(path)
        self._places |= {bytes.fromhex(content): (number, at) for at, content in enumerate(shard.contents)}

    def _rows_of(self, number: int) -> Halves:
        if self._read is None or self._read[0] != number:
            self._read = (number, read(self._paths[number])[0].rows)
        return self._read[1]
