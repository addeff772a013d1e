"""Queries for benchmarks: as long as real ones, and never the same twice, so that no cache is measured."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import count, cycle
from pathlib import Path

import numpy as np
from PIL import Image

PATCH = 16


def text_queries(sample: Path) -> Iterator[bytes]:
    """Titles of the catalogue with a running number, so that each is new."""
    lines = (sample / "catalogue.jsonl").read_text().splitlines()
    titles = cycle([json.loads(line)["title"] for line in lines])
    return (f"{title} {number}".encode() for title, number in zip(titles, count(), strict=False))


def photo_queries(sample: Path, *, limit: int = 64) -> Iterator[bytes]:
    """The sample's photos, each with a patch of noise in the middle, another every time.

    Other bytes around the same pixels would not do: what the vision tower remembers goes by what it sees.
    """
    photos = [Image.open(path).convert("RGB") for path in sorted((sample / "photos").glob("*.jpg"))[:limit]]
    noise = np.random.default_rng(0)
    for photo in cycle(photos):
        patch = Image.fromarray(noise.integers(0, 256, (PATCH, PATCH, 3), np.uint8))
        marked = photo.copy()
        marked.paste(patch, ((photo.width - PATCH) // 2, (photo.height - PATCH) // 2))
        file = io.BytesIO()
        marked.save(file, "JPEG", quality=88)
        yield file.getvalue()
