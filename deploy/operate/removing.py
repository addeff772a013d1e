"""Takes a release out of a store and removes its files: whole and there, or gone, also after a crash.

``releases/NNNN`` is moved to ``.pruned/NNNN`` first, by one rename: from then on there is no such release. What is
below it goes last, so that whoever was killed half-way left a note of what there is still to remove.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from deploy.errors import CannotSwitch
from ensemble.release import release_folder

GONE = ".pruned"
# Ensembles have one version, an empty folder, that all releases share.
_ENSEMBLE_VERSION = "1"


class Remover:
    """Removes releases of one store; nothing outside it, wherever its links lead.

    Args:
        store: The store.

    Raises:
        CannotSwitch: A folder that releases lie in is a link.
    """

    def __init__(self, store: Path) -> None:
        self._store = store.resolve()
        self._gone = self._store / GONE
        for folder in (self._gone, *(self._store / name for name in ("releases", "models", "snapshots"))):
            _check_is_no_link(folder)

    def bytes_of(self, release: int) -> int:
        """Bytes that removing a release frees: files that have other names too are not counted."""
        return sum(_bytes(path) for path in (release_folder(self._store, release), *self._parts(release)))

    def take_out(self, release: int) -> None:
        """Have the store not hold a release any more; its files are there still."""
        self._gone.mkdir(exist_ok=True)
        release_folder(self._store, release).rename(self._place(release))
        _to_disk(self._store / "releases")
        _to_disk(self._gone)

    def put_back(self, release: int) -> None:
        """Undo ``take_out``."""
        self._place(release).rename(release_folder(self._store, release))
        self._tidy()

    def remove(self, release: int) -> int:
        """Remove the files of a release that was taken out; the bytes that this freed."""
        freed = 0
        for path in (*self._parts(release), self._place(release)):
            freed += _bytes(path)
            _remove(path)
        self._tidy()
        return freed

    def left(self) -> list[int]:
        """Releases that were taken out by somebody who was killed before all of their files were removed."""
        places = self._gone.iterdir() if self._gone.is_dir() else ()
        return sorted(int(place.name) for place in places if place.name.isdigit())

    def _tidy(self) -> None:
        """Remove the folder of what was taken out, if nothing is in it any more."""
        with contextlib.suppress(OSError):
            self._gone.rmdir()

    def _place(self, release: int) -> Path:
        return self._gone / f"{release:04d}"

    def _parts(self, release: int) -> Iterator[Path]:
        """Version folders of the models, and the snapshots of the index."""
        models = self._store / "models"
        for model in sorted(models.iterdir()) if models.is_dir() else ():
            _check_is_no_link(model)
            version = model / str(release)
            if os.path.lexists(version) and not _is_shared(version):
                yield version
        snapshots = self._store / "snapshots" / f"{release:04d}"
        if os.path.lexists(snapshots):
            yield snapshots


def _is_shared(version: Path) -> bool:
    return version.name == _ENSEMBLE_VERSION and version.is_dir() and not any(version.iterdir())


def _check_is_no_link(folder: Path) -> None:
    if folder.is_symlink():
        raise CannotSwitch(f"{folder} is a link, and prune removes nothing outside the store: remove releases by hand")


def _remove(path: Path) -> None:
    """Remove a folder, or a link but not what it leads to; ``rmtree`` follows no links either."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def _bytes(path: Path) -> int:
    if path.is_symlink():
        return 0
    files = (Path(folder) / name for folder, _, names in os.walk(path) for name in names)
    return sum(told.st_size for told in (file.lstat() for file in files) if told.st_nlink == 1)


def _to_disk(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
