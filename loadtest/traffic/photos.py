"""Photos to search for: as many as one likes, no two with the same pixels.

The server caches the vision tower by the pixels it sees, so a photo sent twice, or sent again with other bytes around
the same pixels, would measure the cache. Photo number ``n`` is a base picture, changed a little as ``n`` tells.
"""

from __future__ import annotations

import io
import random
from pathlib import Path

from PIL import Image, ImageEnhance

from loadtest.errors import BadTraffic

SIDE = 320
"""Longer side of the photos that are sent, in pixels."""
SHIFTS, LIGHTS, TINTS = 16, 32, 16
VARIANTS = SHIFTS**2 * LIGHTS * TINTS * 2
"""How many different photos one picture gives."""
KINDS = ("*.jpg", "*.jpeg", "*.png", "*.webp")
QUALITY = 88


def painted(count: int = 16) -> tuple[Image.Image, ...]:
    """Soft patches of colour, for where no pictures are at hand: they cost as much to decode and encode as any."""
    source = random.Random(7)  # noqa: S311 - the same pictures every time
    made = []
    for _ in range(count):
        patches = Image.frombytes("RGB", (8, 6), source.randbytes(8 * 6 * 3))
        made.append(patches.resize((SIDE, SIDE * 3 // 4), Image.Resampling.BICUBIC))
    return tuple(made)


def read_pictures(folder: Path, most: int = 64) -> tuple[Image.Image, ...]:
    """Up to ``most`` pictures of a folder and the folders in it, evenly taken, reduced to ``SIDE``.

    Raises:
        BadTraffic: There are none, or one cannot be read.
    """
    paths = sorted(path for kind in KINDS for path in folder.rglob(kind))
    if not paths:
        raise BadTraffic(f"pictures: no {', '.join(KINDS)} in {str(folder)!r}")
    step = max(1, len(paths) // most)
    return tuple(map(_open, paths[::step][:most]))


def vary(picture: Image.Image, number: int) -> bytes:
    """The picture as JPEG; a number below ``VARIANTS`` tells how it is cropped, lit, coloured and mirrored."""
    rest, x = divmod(number, SHIFTS)
    rest, y = divmod(rest, SHIFTS)
    rest, light = divmod(rest, LIGHTS)
    mirrored, tint = divmod(rest, TINTS)
    changed = picture.crop((x, y, picture.width - SHIFTS + x, picture.height - SHIFTS + y))
    changed = ImageEnhance.Brightness(changed).enhance(0.75 + light / (2 * LIGHTS))
    changed = ImageEnhance.Color(changed).enhance(0.75 + tint / (2 * TINTS))
    if mirrored % 2:
        changed = changed.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    stream = io.BytesIO()
    changed.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def _open(path: Path) -> Image.Image:
    try:
        with Image.open(path) as opened:
            opened.thumbnail((SIDE, SIDE))
            return opened.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise BadTraffic(f"pictures: cannot read {str(path)!r}: {error}") from None
