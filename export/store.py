"""The store during an export: one export at a time, work in a staging folder, all or nothing at the end."""

from __future__ import annotations

import fcntl
import filecmp
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ensemble.release import release_folder, releases
from export.configs import CONFIG
from export.errors import StoreBusy
from export.repository import ENSEMBLE_VERSION, WARMUP, version_folder

STAGING = ".export"
LOCK = ".export.lock"


@dataclass(frozen=True)
class Staging:
    """Where a release is made before it is moved into the store; same file system, so that moving is renaming.

    Args:
        store: The store.
        release: Number of the release to be.
    """

    store: Path
    release: int

    @property
    def root(self) -> Path:
        """The staging folder; gone when the export ends, however it ends."""
        return self.store / STAGING

    @property
    def models(self) -> Path:
        """Laid out as ``models/`` of the store."""
        return self.root / "models"

    @property
    def folder(self) -> Path:
        """What becomes ``releases/NNNN/``."""
        return self.root / "release"


@contextmanager
def staging(store: Path) -> Iterator[Staging]:
    """Lock a store and stage its next release; removes what a killed export left, and the staging folder at the end.

    Raises:
        StoreBusy: Another export works in this store.
    """
    store.mkdir(parents=True, exist_ok=True)
    with (store / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreBusy(f"{store}: another export works here; wait for it, or give another --store") from None
        stage = Staging(store, max(releases(store), default=0) + 1)
        try:
            _clear(stage)
            stage.models.mkdir(parents=True)
            stage.folder.mkdir()
            yield stage
        finally:
            shutil.rmtree(stage.root, ignore_errors=True)


def _clear(stage: Staging) -> None:
    """Remove what an export that was killed may have left: its staging, and versions that no release has."""
    shutil.rmtree(stage.root, ignore_errors=True)
    for version in (stage.store / "models").glob(f"*/{stage.release}"):
        if version.name != ENSEMBLE_VERSION or any(version.iterdir()):
            shutil.rmtree(version)


@dataclass
class Moves:
    """Moves into the store that can be taken back.

    Args:
        backup: Where what stood in the way is kept meanwhile.
    """

    backup: Path
    _done: list[tuple[Path, Path | None]] = field(default_factory=list)

    def move(self, staged: Path, final: Path) -> None:
        """Rename a staged file or folder to its place; what stood there goes to the backup."""
        final.parent.mkdir(parents=True, exist_ok=True)
        self.backup.mkdir(exist_ok=True)
        kept = self.backup / str(len(self._done)) if final.exists() else None
        # Noted first: a move that was noted but not made can be told by its backup; one made but not noted is lost.
        self._done.append((final, kept))
        if kept is not None and final.is_dir():
            final.rename(kept)
        elif kept is not None:
            kept.hardlink_to(final)
        staged.replace(final)

    def take_back(self) -> None:
        """Undo all moves, last first."""
        for final, kept in reversed(self._done):
            if kept is not None and not kept.exists():
                continue
            if final.is_dir():
                shutil.rmtree(final)
            else:
                final.unlink(missing_ok=True)
            if kept is not None:
                kept.rename(final)
            elif not any(final.parent.iterdir()):
                final.parent.rmdir()


@contextmanager
def moving(stage: Staging) -> Iterator[Moves]:
    """Move a finished release into the store; when anything goes wrong meanwhile, the store is as it was before."""
    moves = Moves(stage.root / "replaced")
    try:
        yield moves
    except BaseException:  # Ctrl-C too leaves nothing half-made
        moves.take_back()
        raise


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM pass without effect, for the moment between two things that belong together."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def move_models(stage: Staging, moves: Moves) -> None:
    """Move versions first, since nothing points to them yet; then what the models share."""
    models = stage.store / "models"
    for folder in sorted(stage.models.iterdir()):
        versioned = version_folder(stage.models, folder.name, stage.release)
        # A version of a model holds something; that of an ensemble is empty.
        if versioned.is_dir() and any(versioned.iterdir()):
            moves.move(versioned, version_folder(models, folder.name, stage.release))
        elif not (models / folder.name / ENSEMBLE_VERSION).is_dir():
            moves.move(folder / ENSEMBLE_VERSION, models / folder.name / ENSEMBLE_VERSION)
    for shared in (WARMUP, CONFIG):
        for staged in sorted(stage.models.glob(f"*/{shared}")):
            if not _same(staged, models / staged.parent.name / shared):
                moves.move(staged, models / staged.parent.name / shared)


def move_release(stage: Staging, moves: Moves) -> None:
    """Move the release's own folder, whose manifest says that the release is whole: one rename, and there it is."""
    moves.move(stage.folder, release_folder(stage.store, stage.release))


def _same(one: Path, other: Path) -> bool:
    """Whether two files, or two folders of files, hold the same; what is the same keeps its time for the server."""
    if one.is_file():
        return other.is_file() and filecmp.cmp(one, other, shallow=False)
    names = sorted(path.name for path in one.iterdir())
    return (
        other.is_dir()
        and names == sorted(path.name for path in other.iterdir())
        and filecmp.cmpfiles(one, other, names, shallow=False)[0] == names
    )
