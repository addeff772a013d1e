"""Queries for benchmarks: as long as real ones, and never the same twice, so that no cache is measured."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import count, cycle
from pathlib import Path

from PIL import Image


def text_queries(sample: Path) -> Iterator[bytes]:
    """Titles of the catalogue with a running number, so that each is new."""
    lines = (sample / "catalogue.jsonl").read_text().splitlines()
    titles = cycle([json.loads(line)["title"] for line in lines])
    return (f"{title} {number}".encode() for title, number in zip(titles, count(), strict=False))


def photo_queries(sample: Path, *, limit: int = 64) -> Iterator[bytes]:
    """The sample's photos, each with one pixel block changed every time round, so that its bytes are new.

    A comment in the JPEG would do for the bytes, but not for the cache, whose key is the decoded pixels.
    """
    photos = [Image.open(path).convert("RGB") for path in sorted((sample / "photos").glob("*.jpg"))[:limit]]
    for number, photo in enumerate(cycle(photos)):
        marked = photo.copy()
        marked.paste((number % 251, number // 251 % 251, 128), (0, 0, 16, 16))
        file = io.BytesIO()
        marked.save(file, "JPEG", quality=88)
        yield file.getvalue()
