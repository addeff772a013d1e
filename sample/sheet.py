"""Contact sheets of a shop that ``make`` wrote: pictures above, photos below."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

_CELL = 128
_TEXT = 26


def _cell(path: Path, caption: str) -> Image.Image:
    cell = Image.new("RGB", (_CELL, _CELL + _TEXT), "white")
    with Image.open(path) as picture:
        cell.paste(ImageOps.contain(ImageOps.exif_transpose(picture).convert("RGB"), (_CELL - 4, _CELL - 4)), (2, 2))
    pen = ImageDraw.Draw(cell)
    pen.text((2, _CELL), caption[:21], fill="black")
    pen.text((2, _CELL + 12), caption[21:42], fill="black")
    return cell


def grid(cells: list[Image.Image], columns: int) -> Image.Image:
    """Return the cells, all of one size, row by row on a white page."""
    width, height = cells[0].size
    page = Image.new("RGB", (columns * width, -(-len(cells) // columns) * height), "white")
    for number, cell in enumerate(cells):
        page.paste(cell, ((number % columns) * width, (number // columns) * height))
    return page


def sheet(folder: Path, out: Path, *, count: int = 48, columns: int = 12) -> None:
    """Write a PNG of the first ``count`` products and photos of ``folder``."""
    with (folder / "catalogue.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line) for line, _ in zip(file, range(count), strict=False)]
    with (folder / "photos.csv").open(newline="", encoding="utf-8") as file:
        photos = [row for row, _ in zip(csv.DictReader(file), range(count), strict=False)]
    cells = [_cell(folder / row["image"], row["title"]) for row in rows]
    cells += [_cell(folder / photo["path"], photo["product_id"]) for photo in photos]
    grid(cells, columns).save(out)
