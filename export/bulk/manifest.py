"""``manifest.json``: what a folder of shards is, written last."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from catalogue import BadRow
from catalogue.database import Space
from export.bulk.shards import sync_folder
from export.errors import BadVectors

FORMAT = 1
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class ShardFile:
    """One shard.

    Args:
        file: Its name in the folder.
        rows: How many products it has.
        sha256: Of the file.
    """

    file: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class BulkManifest:
    """The record of a folder of shards that is whole.

    Args:
        space_id: The space of the rows.
        release: Number of the release whose towers embedded.
        text_dim: Length of the text half of a row.
        image_dim: Length of the image half.
        row_dim: Length of a row.
        text_fields: Fields of a product that the text half is made of.
        max_picture_bytes: Largest picture that was taken.
        catalogue: What the catalogue is known by.
        products: How many have a row.
        shards: In the order of the catalogue.
        failures: Rows that were left out.
        format: Version of this file's format.
    """

    space_id: str
    release: int
    text_dim: int
    image_dim: int
    row_dim: int
    text_fields: tuple[str, ...]
    max_picture_bytes: int
    catalogue: str
    products: int
    shards: tuple[ShardFile, ...]
    failures: tuple[BadRow, ...] = ()
    format: int = FORMAT

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(f"`format` must be {FORMAT}, got {self.format}")
        if self.row_dim != self.text_dim + self.image_dim:
            raise ValueError(f"`row_dim` must be {self.text_dim} + {self.image_dim}, got {self.row_dim}")
        outside = [one.file for one in self.shards if Path(one.file).name != one.file]
        if outside:
            raise ValueError(f"`shards` must be names of files in the folder, got {outside[0]!r}")

    @property
    def space(self) -> Space:
        """The space as a database registers it."""
        return Space(self.space_id, self.text_dim, self.image_dim, self.text_fields)

    def save(self, folder: Path) -> None:
        """Write it so that it is there whole or not at all."""
        path = folder / MANIFEST
        partial = path.with_suffix(".part")
        with partial.open("w", encoding="utf-8") as file:
            file.write(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        sync_folder(folder)

    @classmethod
    def load(cls, folder: Path) -> BulkManifest:
        """Read back what ``save`` wrote.

        Raises:
            BadVectors: There is none, as of a run that is not done, or it cannot be read.
        """
        path = folder / MANIFEST
        try:
            content: dict[str, Any] = json.loads(path.read_text("utf-8"))
            shards = tuple(ShardFile(**one) for one in content.pop("shards"))
            failures = tuple(BadRow(**one) for one in content.pop("failures"))
            fields = tuple(content.pop("text_fields"))
            return cls(**content, shards=shards, failures=failures, text_fields=fields)
        except FileNotFoundError:
            raise BadVectors(
                f"{folder}: no {MANIFEST}; allowed: a folder that `python -m export embed` has finished"
            ) from None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadVectors(f"{path}: not a manifest that can be read: {error!r}") from error
