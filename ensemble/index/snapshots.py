"""The snapshots of one release, by sequence number: written whole or not at all, and checked before they are used."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ensemble.errors import DamagedRelease, SnapshotFailed
from ensemble.index import files
from ensemble.index.choice import CPU, EngineChoice
from ensemble.index.index import Index
from ensemble.index.snapshot import header_of, load

log = logging.getLogger(__name__)

KEPT = 2
LOCK = ".lock"
UNFINISHED = ".unfinished"


class Snapshots:
    """A folder of snapshots, each in a folder named by its sequence number in 12 digits.

    Args:
        folder: Where they are; it need not be there yet.
        own: The snapshot that the release came with.
    """

    def __init__(self, folder: Path, own: Path) -> None:
        self.folder, self.own = folder, own
        self.refused: dict[Path, str] = {}

    def newest(
        self, space_id: str | None = None, *, catalogue_id: str | None = None, engine: EngineChoice = CPU
    ) -> Index:
        """Open the newest snapshot that is whole, at the last the release's own.

        Those that are damaged, of another space or of another catalogue are told in the log and in ``refused``.

        Raises:
            DamagedRelease: None can be used; names each with its reason.
            GpuError: A GPU is wanted, and cannot be had.
        """
        tried: list[Path] = []
        while folder := self._next(tried):
            tried.append(folder)
            try:
                return self._opened(folder, space_id, catalogue_id, engine)
            except DamagedRelease as error:
                self._refuse(folder, error)
        raise DamagedRelease("no snapshot can be used: " + "; ".join(self.refused[folder] for folder in tried))

    def at(
        self, seq: int, space_id: str | None = None, *, catalogue_id: str | None = None, engine: EngineChoice = CPU
    ) -> Index | None:
        """Open one snapshot; None where it is refused, which is told as ``newest`` does."""
        folder = self._folder(seq)
        try:
            return self._opened(folder, space_id, catalogue_id, engine)
        except DamagedRelease as error:
            self._refuse(folder, error)
            return None

    def newer(self, seq: int) -> int | None:
        """The sequence number of the newest snapshot after ``seq`` that was not refused yet."""
        numbers = [int(folder.name) for folder in self._folders() if folder not in self.refused]
        return max((number for number in numbers if number > seq), default=None)

    def write(self, index: Index, keep: int = KEPT) -> Path:
        """Write a snapshot of the index beside the others, and remove all but the newest ``keep``.

        One that is there already under the index's sequence number is left as it is, unless it is damaged or of another
        space or catalogue. Of two writers the second waits for the first.

        Returns:
            Its folder.

        Raises:
            SnapshotFailed: It cannot be written, as on a full disk; the ones before it are untouched.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._lock():
                self._clean()
                unfinished = self.folder / f".{os.getpid()}{UNFINISHED}"
                try:
                    index.save(unfinished)
                    # As written: the index may have gone on since.
                    written = self._place(unfinished, self._folder(header_of(unfinished)["seq"]))
                finally:
                    shutil.rmtree(unfinished, ignore_errors=True)
                self._prune(keep)
        except OSError as error:
            reason = f"{self.folder}: the snapshot cannot be written: {error}; the ones before it are untouched"
            raise SnapshotFailed(reason) from error
        return written

    def _folder(self, seq: int) -> Path:
        return self.folder / f"{seq:012d}"

    def _next(self, tried: list[Path]) -> Path | None:
        """The newest folder not tried yet. They are listed anew each time: others write and remove meanwhile."""
        return next((folder for folder in [*self._folders(), self.own] if folder not in tried), None)

    def _folders(self) -> list[Path]:
        """Newest first."""
        try:
            folders = [folder for folder in self.folder.iterdir() if re.fullmatch(r"\d{12,}", folder.name)]
        except OSError:  # there are none yet, or the store is out of reach: the release's own is there
            return []
        return sorted(folders, key=lambda folder: -int(folder.name))

    def _opened(self, folder: Path, space_id: str | None, catalogue_id: str | None, engine: EngineChoice) -> Index:
        try:
            index = Index.open(folder, space_id=space_id, engine=engine)
        except OSError as error:  # it was removed while it was being opened
            raise DamagedRelease(f"{folder}: cannot be read: {error}") from error
        if folder != self.own and int(folder.name) != index.seq:
            raise DamagedRelease(f"{folder}: holds the state at {index.seq}, which its name does not say")
        if catalogue_id is not None and index.catalogue_id != catalogue_id:
            raise DamagedRelease(f"{folder}: of catalogue {index.catalogue_id!r}; {catalogue_id!r} is followed")
        return index

    def _refuse(self, folder: Path, error: DamagedRelease) -> None:
        self.refused[folder] = str(error)
        log.warning("a snapshot is refused, and the one before it is tried: %s", error)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Held by the one who writes; the kernel lets go of it when that process dies."""
        with (self.folder / LOCK).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _clean(self) -> None:
        """Remove what dead writers left: nobody else writes while the lock is held."""
        for folder in self.folder.glob(f".*{UNFINISHED}"):
            shutil.rmtree(folder)

    def _place(self, unfinished: Path, folder: Path) -> Path:
        if folder.exists():
            try:
                _check_same(folder, unfinished)
            except DamagedRelease as error:
                log.warning("a snapshot is replaced: %s", error)
                self._remove(folder)
                self.refused.pop(folder, None)
            else:
                return folder
        unfinished.rename(folder)
        files.sync(self.folder)
        return folder

    def _prune(self, keep: int) -> None:
        whole = [folder for folder in self._folders() if folder not in self.refused]
        for folder in self._folders():
            if len(whole) > keep and int(folder.name) < int(whole[keep - 1].name):
                self._remove(folder)

    def _remove(self, folder: Path) -> None:
        """Out of sight first, so that nobody finds half of it. Processes that have it mapped keep it."""
        gone = folder.with_name(f".{folder.name}{UNFINISHED}")
        folder.rename(gone)
        shutil.rmtree(gone)


def _check_same(folder: Path, written: Path) -> None:
    """Check that one snapshot can stand for another of the same sequence number.

    Raises:
        DamagedRelease: It is damaged, or of another space or catalogue.
    """
    load(folder)
    there, wanted = header_of(folder), header_of(written)
    for name in ("space_id", "catalogue_id", "seq"):
        if there[name] != wanted[name]:
            raise DamagedRelease(f"{folder}: its `{name}` is {there[name]!r}; {wanted[name]!r} is written")
