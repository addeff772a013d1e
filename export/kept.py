"""Results of finished steps, kept until a release is whole, so that one that was interrupted is taken up again.

A result is found by the hash of everything that it follows from: inputs, settings, this package's own code and the
versions of what it runs on. It is written beside its place and moved there when it is whole; and it is read again only
if its files still have the hashes that they were written with.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble.hashing import sha256

FOLDER = ".export.kept"
HASHES = "hashes.json"
# Whose code decides what comes out of a step.
PACKAGES = ("catalogue", "ensemble", "export")


@dataclass(frozen=True)
class Result:
    """What a step made.

    Args:
        folder: Its files.
        resumed: Whether an earlier run made it.
    """

    folder: Path
    resumed: bool


@dataclass(frozen=True)
class Kept:
    """The results of a store.

    Args:
        root: Where they are.
        base: What all of them follow from.
    """

    root: Path
    base: Mapping[str, str]

    def step(self, name: str, inputs: Mapping[str, Any], make: Callable[[Path], None]) -> Result:
        """The result of a step: an earlier one where nothing changed, else a new one.

        Args:
            name: The step, such as ``candidates.text_tower``.
            inputs: Everything that the result follows from, as JSON types.
            make: Writes the files into a folder.
        """
        content = json.dumps([name, self.base, inputs], sort_keys=True, default=str)
        entry = f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:32]}"
        folder = self.root / entry
        if _whole(folder):
            return Result(folder, resumed=True)
        partial = self.root / f"{entry}.part"
        for old in (folder, partial):
            shutil.rmtree(old, ignore_errors=True)
        partial.mkdir(parents=True)
        make(partial)
        (partial / HASHES).write_text(json.dumps(_hashes(partial), indent=2), "utf-8")
        partial.rename(folder)
        return Result(folder, resumed=False)

    def clear(self) -> None:
        """Remove everything: the release is whole."""
        shutil.rmtree(self.root, ignore_errors=True)


def code() -> dict[str, str]:
    """SHA-256 of each package whose code decides what comes out."""
    home = Path(__file__).resolve().parent.parent
    found = {}
    for package in PACKAGES:
        digest = hashlib.sha256()
        for path in sorted((home / package).rglob("*.py")):
            digest.update(str(path.relative_to(home)).encode() + path.read_bytes())
        found[package] = digest.hexdigest()
    return found


def _whole(folder: Path) -> bool:
    try:
        expected = json.loads((folder / HASHES).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(expected == _hashes(folder))


def _hashes(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != HASHES)
    return {str(path.relative_to(folder)): sha256(path) for path in files}
