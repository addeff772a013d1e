"""The store that is measured: a copy of the newest release of another, and a second release that answers otherwise."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from deploy.store import find_release, whole_releases
from ensemble.release import release_folder

SECOND = Path(__file__).parent / "second.toml"
CATALOGUE = "catalogue.sqlite"


def copy_release(source: Path, place: Path) -> int:
    """Copy the newest release of a store, and its catalogue, into a store of its own.

    Args:
        source: The store that it is taken from.
        place: Where to; made where it is not there.

    Returns:
        The release's number.

    Raises:
        NoRelease: The store holds none.
    """
    numbers = whole_releases(source)
    release = find_release(source, numbers[-1] if numbers else None)
    for folder in sorted((source / "models").glob(f"*/{release.number}")):
        shutil.copytree(folder, place / "models" / folder.parent.name / folder.name, dirs_exist_ok=True)
    for config in sorted(release.configs.iterdir()):
        model = place / "models" / config.name
        model.mkdir(parents=True, exist_ok=True)
        shutil.copytree(config, model, dirs_exist_ok=True)
    if (source / CATALOGUE).is_file():
        _copy_database(source / CATALOGUE, place / CATALOGUE)
    # The manifest is in this folder: a copy that was interrupted is no release.
    folder = release_folder(source, release.number)
    shutil.copytree(folder, release_folder(place, release.number), dirs_exist_ok=True)
    return release.number


def make_second(place: Path, precision: str) -> int:
    """Make another release of the store's catalogue, with other towers of the same shapes; its number.

    Args:
        place: A store with one release.
        precision: As ``export release --precision`` has it.

    Raises:
        RuntimeError: It could not be made; with the last words of ``export``.
    """
    command = [sys.executable, "-m", "export", "release", "--store", str(place), "--towers", str(SECOND)]
    done = subprocess.run([*command, "--precision", precision], check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the second release could not be made:\n{done.stderr[-2_000:]}")
    return whole_releases(place)[-1]


def _copy_database(source: Path, copy: Path) -> None:
    """Copy a SQLite file that others may be writing to."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(copy)) as new:
        old.backup(new)
