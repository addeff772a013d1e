"""Writes a shop to a folder: catalogue and its pictures, camera-like photos, queries, and what shoppers did."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from sample.camera import photograph
from sample.errors import SampleInputError
from sample.products import Product, shop
from sample.queries import write_queries
from sample.shoppers import write_events

PHOTO_SIZE = (320, 240)
_UPRIGHT, _TURN_RIGHT, _TURN_LEFT = 1, 6, 8
_ORIENTATION_TAG = 0x0112


def _saved_orientation(photo: Image.Image, orientation: int) -> Image.Image:
    """Turn the pixels so that a viewer who honours the EXIF orientation sees the photo as it was."""
    if orientation == _TURN_RIGHT:
        return photo.transpose(Image.Transpose.ROTATE_90)
    if orientation == _TURN_LEFT:
        return photo.transpose(Image.Transpose.ROTATE_270)
    return photo


def write_photo(path: Path, product: Product, others: Sequence[Product], rng: np.random.Generator) -> None:
    """Take one photo of ``product`` and write it as JPEG; one in three is portrait, one in six EXIF-turned."""
    size = PHOTO_SIZE if rng.random() < 0.67 else PHOTO_SIZE[::-1]
    photo = photograph(product.figure(), [other.figure(128) for other in others], size, rng)
    orientation = int(rng.choice([_UPRIGHT, _TURN_RIGHT, _TURN_LEFT], p=[5 / 6, 1 / 12, 1 / 12]))
    exif = Image.Exif()
    exif[_ORIENTATION_TAG] = orientation
    _saved_orientation(photo, orientation).save(path, quality=int(rng.integers(55, 90)), exif=exif)


def photo_plan(count: int, held_out: int, train: int, seed: int) -> list[tuple[int, str]]:
    """Choose which products are photographed: (index, split), every product at most once.

    Raises:
        SampleInputError: more photos are asked for than there are products.
    """
    if held_out + train > count:
        raise SampleInputError(f"photos: got {held_out} held-out + {train} train, allowed are {count}, one a product")
    order = np.random.default_rng([seed, 1]).permutation(count)[: held_out + train]
    return [(int(index), "held_out" if place < held_out else "train") for place, index in enumerate(order)]


def _write_photos(
    products: Sequence[Product], plan: Sequence[tuple[int, str]], out: Path, seed: int, tick: Callable[[], None]
) -> dict[str, list[tuple[str, str]]]:
    """Write photos and their list; returns path and product of each by split."""
    written: dict[str, list[tuple[str, str]]] = {}
    with (out / "photos.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["path", "product_id", "split"])
        for index, split in plan:
            rng = np.random.default_rng([seed, 2, index])
            others = [products[int(i)] for i in rng.integers(len(products), size=rng.integers(0, 4))]
            path = f"photos/{products[index].id}_{split}.jpg"
            write_photo(out / path, products[index], others, rng)
            table.writerow([path, products[index].id, split])
            written.setdefault(split, []).append((path, products[index].id))
            tick()
    return written


def make(
    out: Path,
    *,
    products: int = 2000,
    held_out: int = 400,
    train: int = 100,
    seed: int = 7,
    tick: Callable[[], None] = lambda: None,
) -> list[Product]:
    """Write the shop to ``out`` and return its products.

    Files: ``catalogue.jsonl``, ``images/*.jpg`` (256 x 256), ``photos/*.jpg`` (320 x 240, some portrait),
    ``photos.csv`` (path, product_id, split), ``queries.jsonl`` and ``calibration.jsonl`` for a release, and
    ``events.jsonl``: what shoppers looked at and bought. Photos of the split ``train`` may be used to calibrate and to
    tune; those of ``held_out`` only to report.

    Args:
        out: folder; made when it is absent.
        products: how many products.
        held_out: how many photos for reports.
        train: how many photos for tuning.
        seed: the same seed gives the same files.
        tick: called after every picture.

    Raises:
        SampleInputError: a count is outside what the generator allows.
    """
    plan = photo_plan(products, held_out, train, seed)
    rows = list(shop(products, seed))
    for folder in ("images", "photos"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    with (out / "catalogue.jsonl").open("w", encoding="utf-8") as file:
        for product in rows:
            row = product.row()
            product.picture().save(out / row["image"], quality=88)
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            tick()
    write_queries(out, rows, _write_photos(rows, plan, out, seed, tick))
    write_events(out, rows, seed)
    return rows
