"""Queries with their right answers, for the gate of a release and for its calibration: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from sample.products import Product
from sample.titles import paraphrase

QUERIES = "queries.jsonl"
CALIBRATION = "calibration.jsonl"
PARAPHRASE_SEED = 11
# Photos, and as many texts. Enough to measure a recall to about a percent, and few enough to ask
# every candidate of a release.
COUNT = 200

Row = dict[str, Any]
Thing = TypeVar("Thing")


def photo_rows(photos: Iterable[tuple[str, str]]) -> Iterator[Row]:
    """A line a photo.

    Args:
        photos: Path, relative to the file to be, and id of the product that it shows.
    """
    for path, product in photos:
        yield {"image": path, "products": [product]}


def paraphrase_rows(products: Iterable[Product], seed: int = PARAPHRASE_SEED) -> Iterator[Row]:
    """A line a text: products in other words than their title; products that share the words share the line."""
    rng = np.random.default_rng(seed)
    right: dict[str, list[str]] = {}
    for product in products:
        right.setdefault(paraphrase(product.words, rng), []).append(product.id)
    for text, ids in right.items():
        yield {"text": text, "products": ids}


def write(path: Path, rows: Iterable[Row]) -> int:
    """Write the lines; returns how many there are."""
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return len(lines)


def write_queries(
    folder: Path, products: Sequence[Product], photos: Mapping[str, Sequence[tuple[str, str]]], count: int = COUNT
) -> None:
    """Write ``queries.jsonl`` and ``calibration.jsonl`` beside a catalogue.

    Queries are ``count`` held-out photos and ``count`` paraphrased titles, evenly from all over the shop; calibration
    has the photos of the split ``train``. A file that would hold nothing is not written.

    Args:
        folder: Of the catalogue.
        products: All of the shop.
        photos: Path and product of each photo by split, ``held_out`` and ``train``.
        count: At most so many of either kind.
    """
    held_out = spread(photos.get("held_out", ()), count)
    texts = spread(list(paraphrase_rows(products)), count)
    for name, rows in (
        (QUERIES, [*photo_rows(held_out), *texts]),
        (CALIBRATION, [*photo_rows(photos.get("train", ()))]),
    ):
        (folder / name).unlink(missing_ok=True)
        if rows:
            write(folder / name, rows)


def spread(things: Sequence[Thing], count: int) -> list[Thing]:
    """At most ``count`` of them, evenly from all over, in their order."""
    count = min(count, len(things))
    return [things[at] for at in np.linspace(0, len(things) - 1, count).astype(int).tolist()]
