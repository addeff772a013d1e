"""What there is to serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import NoRelease, UnusableRelease
from deploy.live import Live, now, read_live
from ensemble.errors import DamagedRelease
from ensemble.release import Manifest, manifest_path, release_folder, releases

_MAKE_ONE = "make one with `python -m export release --catalogue FILE --store {store}`"
MEND = "Bring it back from a copy of the store, or make a new release with `python -m export release`"
_NAMED = 5


@dataclass(frozen=True)
class Release:
    """One release of a store.

    Args:
        number: Its number.
        models: The store's model repository, whose version folders several releases share.
        folder: ``releases/NNNN``.
        run: Where the running server leaves its traces: ``serve.json``, ``events.jsonl``, the log.
    """

    number: int
    models: Path
    folder: Path
    run: Path

    @property
    def configs(self) -> Path:
        """The release's own configs, ``NAME/config.pbtxt``."""
        return self.folder / "models"

    @property
    def probe(self) -> Path:
        """The file of requests with known answers."""
        return self.folder / "probe" / "probe.json"


def whole_releases(store: Path) -> list[int]:
    """Numbers of the releases that are whole, ascending."""
    return [number for number in releases(store) if manifest_path(store, number).is_file()]


def find_live(store: Path) -> Live:
    """The release that was switched to last, or else the newest.

    Raises:
        NoRelease: There is none.
    """
    numbers = whole_releases(store)
    if not numbers:
        raise NoRelease(f"{store} holds no release: {_MAKE_ONE.format(store=store)}")
    return read_live(store) or Live(numbers[-1], before(numbers, numbers[-1]), now())


def live_of(store: Path, release: int) -> Live:
    """What is live while a release of the store is served.

    Raises:
        NoRelease: What was switched to last cannot be read.
    """
    live = read_live(store)
    if live is not None and live.release == release:
        return live
    return Live(release, before(whole_releases(store), release), now())


def before(numbers: Sequence[int], release: int) -> int | None:
    """The newest of these releases that is older than one."""
    return max((number for number in numbers if number < release), default=None)


def find_release(store: Path, number: int | None = None) -> Release:
    """A release of a store: the one of this number, else the live one.

    Raises:
        NoRelease: There is none, or no models or probe with it.
    """
    hint = _MAKE_ONE.format(store=store)
    store = store.resolve()
    if number is None:
        number = find_live(store).release
    if number not in (numbers := whole_releases(store)):
        there = ", ".join(map(str, numbers)) or "none"
        raise NoRelease(f"{store} holds no release {number}; there are: {there}")
    release = Release(number, store / "models", release_folder(store, number), store / "run")
    if not any(release.configs.glob("*/config.pbtxt")):
        raise NoRelease(f"{release.configs} holds no models, though there is a release {number}: {hint}")
    if not release.probe.is_file():
        raise NoRelease(
            f"release {number} has no probe ({release.probe}), so it could not be proved before serving: {hint}"
        )
    return release


def find_newest(store: Path) -> Release:
    """The newest release of a store, which may be the one that shall be live next.

    Raises:
        NoRelease: There is none, or no models or probe with it.
    """
    numbers = whole_releases(store.resolve())
    return find_release(store, numbers[-1] if numbers else None)


def check_release(release: Release) -> None:
    """Compare every file of a release with what was made; reads them all, so not for every repair.

    Raises:
        UnusableRelease: The manifest cannot be read, or files are missing or differ; names them.
    """
    store = release.models.parent
    try:
        damaged = Manifest.load(manifest_path(store, release.number)).damaged(store)
    except DamagedRelease as error:
        raise UnusableRelease(f"{error}. {MEND}") from error
    if damaged:
        named = ", ".join(str(store / name) for name in damaged[:_NAMED])
        more = f" and {len(damaged) - _NAMED} more" if len(damaged) > _NAMED else ""
        raise UnusableRelease(
            f"release {release.number} is damaged: missing, or not what was made: {named}{more}. {MEND}"
        )
