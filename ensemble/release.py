"""The record of a release: what went in, what came out, and how long each step took.

``export`` writes it last, so that a release with a manifest is whole; ``deploy`` reads it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ensemble.errors import DamagedRelease
from ensemble.hashing import sha256

FORMAT = 1
MANIFEST = "manifest.json"

Figure = str | int | float | bool


@dataclass(frozen=True)
class Step:
    """One step of making a release.

    Args:
        name: Its name.
        seconds: How long it took.
        figures: What it found: counts, differences, sizes.
    """

    name: str
    seconds: float
    figures: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """The record of one release.

    Args:
        release: Its number, which is the version of its models.
        created: When, UTC, ISO 8601.
        target: What the towers run on.
        space_id: SHA-256 of towers and preprocessing, in hex.
        inputs: Name of each input (``text.model.safetensors``) to its ``path`` and ``sha256``.
        outputs: Path in the store of each file that belongs to this release alone, to its SHA-256. Python's compiled
            files are left out; releases share ``models/NAME/config.pbtxt``, so this one's copy is below
            ``releases/NNNN/models``.
        versions: Of Python and of the packages that made the release.
        figures: The figures of the release as a whole.
        steps: In their order.
        notes: What someone who switches to this release must know, in sentences.
        towers: Of ``text``, ``vision`` and, where it was trained, ``product``: the precision that was chosen, and all
            candidates with their figures.
        catalogue: The state of the catalogue that the index is of: ``id`` and URL of the ``database``, and ``seq``.
        format: Version of this file's format.
    """

    release: int
    created: str
    target: str
    space_id: str
    inputs: Mapping[str, Mapping[str, str]]
    outputs: Mapping[str, str]
    versions: Mapping[str, str]
    figures: Mapping[str, Figure]
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    towers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    catalogue: Mapping[str, str | int] = field(default_factory=dict)
    format: int = FORMAT

    def __post_init__(self) -> None:
        if self.release < 1:
            raise ValueError(f"`release` must be at least 1, got {self.release}")
        if self.format != FORMAT:
            raise ValueError(f"`format` must be {FORMAT}, got {self.format}")

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> Manifest:
        """Read back what ``save`` wrote.

        Raises:
            DamagedRelease: The file is missing or not a manifest.
        """
        try:
            content: dict[str, Any] = json.loads(path.read_text("utf-8"))
            steps = tuple(Step(**step) for step in content.pop("steps"))
            return cls(**content | {"steps": steps, "notes": tuple(content["notes"])})
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DamagedRelease(f"{path}: not a manifest that can be read: {error!r}") from error

    def damaged(self, store: Path) -> tuple[str, ...]:
        """Paths of the outputs that are missing from the store or differ from what was made."""
        return tuple(name for name, digest in self.outputs.items() if not _is(store / name, digest))


def release_folder(store: Path, release: int) -> Path:
    """Where a release's manifest and probe are."""
    return store / "releases" / f"{release:04d}"


def manifest_path(store: Path, release: int) -> Path:
    """Where a release's manifest is."""
    return release_folder(store, release) / MANIFEST


def releases(store: Path) -> list[int]:
    """Numbers of the releases in a store, ascending."""
    folders = (store / "releases").glob("*") if (store / "releases").is_dir() else ()
    return sorted(int(folder.name) for folder in folders if re.fullmatch(r"\d{4,}", folder.name))


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and sha256(path) == digest
