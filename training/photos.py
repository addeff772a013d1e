"""Lists of photos: a CSV with a path, a product and a split a row."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from training.errors import TrainingInputError


@dataclass(frozen=True)
class Photo:
    """One photo and the product that it shows."""

    path: Path
    product: str


def listed(table: Path, split: str, product_column: str = "product_id") -> list[Photo]:
    """Return the photos of ``split`` in the order of the file; paths start at the file's folder.

    A folder stands for its ``splits.csv``.

    Raises:
        TrainingInputError: the file or a column is missing, or no photo has that split.
    """
    table = table / "splits.csv" if table.is_dir() else table
    if not table.is_file():
        raise TrainingInputError(f"photos: no file {table}")
    with table.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = {"path", "split", product_column} - set(reader.fieldnames or ())
        if missing:
            raise TrainingInputError(f"photos: {table} has no column {sorted(missing)}, it has {reader.fieldnames}")
        photos = [Photo(table.parent / row["path"], row[product_column]) for row in reader if row["split"] == split]
    if not photos:
        raise TrainingInputError(f"photos: {table} lists no photo of split {split!r}")
    return photos
