"""A small contact sheet: each line a query and the first products that it found."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from ensemble.pipeline import Hit

SIDE = 96
CAPTION = 24
COLOURS = 240
RIGHT, WRONG = (40, 140, 60), (220, 220, 220)


@dataclass(frozen=True)
class Line:
    """One query and its answer.

    Attributes:
        query: text, or the bytes of a photo.
        hits: products found, best first.
        wanted: id of the right product; a green frame marks it. Empty where several are right.
    """

    query: str | bytes
    hits: Sequence[Hit]
    wanted: str = ""


def _captioned(picture: Image.Image | None, caption: str, frame: tuple[int, int, int]) -> Image.Image:
    cell = Image.new("RGB", (SIDE + 8, SIDE + 8 + CAPTION), "white")
    pen = ImageDraw.Draw(cell)
    if picture is not None:
        cell.paste(ImageOps.pad(picture.convert("RGB"), (SIDE, SIDE), color="white"), (4, 4))
        pen.rectangle((2, 2, SIDE + 5, SIDE + 5), outline=frame, width=2)
    lines = ["", ""]
    for word in caption.split():
        row = 0 if len(lines[0]) + len(word) < 18 and not lines[1] else 1
        lines[row] = f"{lines[row]} {word}".strip()
    top = SIDE + 6 if picture is not None else SIDE // 2 - 10
    for row, text in enumerate(lines):
        pen.text((4, top + 11 * row), text[:18], fill="black")
    return cell


def _query(line: Line) -> Image.Image:
    if isinstance(line.query, str):
        return _captioned(None, line.query, WRONG)
    with Image.open(io.BytesIO(line.query)) as photo:
        return _captioned(ImageOps.exif_transpose(photo), "photo", WRONG)


def write_sheet(path: Path, lines: Sequence[Line], pictures: Path, columns: int = 2) -> None:
    """Write a palette PNG; pictures of products are read from the folder ``pictures``."""
    found = max(len(line.hits) for line in lines)
    width, height = SIDE + 8, SIDE + 8 + CAPTION
    rows = -(-len(lines) // columns)
    page = Image.new("RGB", (columns * ((found + 1) * width + 16), rows * height), "white")
    for number, line in enumerate(lines):
        left, top = (number // rows) * ((found + 1) * width + 16), (number % rows) * height
        page.paste(_query(line), (left, top))
        for place, hit in enumerate(line.hits, 1):
            with Image.open(pictures / hit.product["image"]) as picture:
                frame = RIGHT if hit.id == line.wanted else WRONG
                page.paste(_captioned(picture, hit.product["title"], frame), (left + place * width, top))
    path.parent.mkdir(parents=True, exist_ok=True)
    page.quantize(COLOURS).save(path, optimize=True)
