"""Pictures for the contact sheet. A picture that cannot be shown is None here, never an error."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

LARGEST_SIDE = 1024
"""Bigger pictures are reduced while they are decoded, in pixels."""


def open_picture(source: bytes | Path) -> Image.Image | None:
    """An encoded picture, upright, in RGB on white; None where it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as opened:
                opened.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
                upright = ImageOps.exif_transpose(opened).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
    white = Image.new("RGBA", upright.size, "white")
    return Image.alpha_composite(white, upright).convert("RGB")


def product_picture(folder: Path, name: str | None) -> Image.Image | None:
    """A product's picture from the catalogue's folder; a name that leads out of the folder is not followed."""
    if not name:
        return None
    try:
        path = (folder / name).resolve()
        return open_picture(path) if path.is_relative_to(folder.resolve()) else None
    except (OSError, ValueError):  # a name that no file system takes
        return None


def fit(picture: Image.Image | None, side: int, shade: str) -> Image.Image:
    """A square of ``side`` pixels with the whole picture in it; without a picture, a cross on ``shade``."""
    if picture is not None:
        return ImageOps.pad(picture, (side, side), color="white")
    blank = Image.new("RGB", (side, side), shade)
    draw = ImageDraw.Draw(blank)
    third = side // 3
    draw.line((third, third, side - third, side - third), "#c9c7c0", max(2, side // 100))
    draw.line((third, side - third, side - third, third), "#c9c7c0", max(2, side // 100))
    return blank
