"""The products and photos that training must not see: a shop that ``python -m sample make`` wrote."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ensemble.image import decode
from training.errors import TrainingInputError
from training.shop_cache import INPUT
from training.text import LockedTextTower


@dataclass(frozen=True)
class HeldOut:
    """A shop to report on.

    Attributes:
        pictures: (products, 96, 96, 3) uint8 catalogue pictures.
        titles: (products, 384) text vectors of the titles.
        photos: (photos, 96, 96, 3) uint8.
        targets: (photos,) place of each photo's product.
    """

    pictures: NDArray[np.uint8]
    titles: Tensor
    photos: NDArray[np.uint8]
    targets: Tensor


def opened(path: Path) -> NDArray[np.uint8]:
    """Read a picture as serving does; (96, 96, 3) uint8."""
    return np.asarray(decode(path.read_bytes(), INPUT, name=str(path)))


def catalogue_rows(catalogue: Path) -> list[dict[str, Any]]:
    """Read a ``catalogue.jsonl``.

    Raises:
        TrainingInputError: there is no such file.
    """
    if not catalogue.is_file():
        raise TrainingInputError(f"catalogue: no file {catalogue}; `python -m sample make` writes one")
    return [json.loads(line) for line in catalogue.read_text(encoding="utf-8").splitlines()]


def held_out_shop(catalogue: Path, text: LockedTextTower, split: str = "held_out") -> HeldOut:
    """Read the catalogue and the photos of ``split`` listed in ``photos.csv`` beside it."""
    folder, rows = catalogue.parent, catalogue_rows(catalogue)
    places = {row["id"]: place for place, row in enumerate(rows)}
    with (folder / "photos.csv").open(newline="", encoding="utf-8") as file:
        photos = [photo for photo in csv.DictReader(file) if photo["split"] == split]
    return HeldOut(
        pictures=np.stack([opened(folder / row["image"]) for row in rows]),
        titles=text([row["title"] for row in rows]),
        photos=np.stack([opened(folder / photo["path"]) for photo in photos]),
        targets=torch.tensor([places[photo["product_id"]] for photo in photos]),
    )
