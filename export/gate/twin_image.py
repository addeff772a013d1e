"""The slow twin of ``ensemble.image``: the same pictures by plain arithmetic, sharing nothing but the decoder.

What serving does in 8 bits, in Pillow, after shrinking large JPEGs inside their DCT, is done here on the whole picture
in floats: turn, compose on white, resample by a written-out triangle filter, round once.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ensemble.settings import ImageSettings

Pixels = NDArray[np.uint8]
Real = NDArray[np.float32]

EXIF_ORIENTATION = 274
WHITE = 255.0


def pixels_of(pictures: Sequence[bytes], settings: ImageSettings) -> Pixels:
    """Encoded pictures, already accepted by the served preprocessing, as ``(batch, size, size, 3)``."""
    return np.stack([_square(_opened(picture), settings) for picture in pictures])


def _opened(data: bytes) -> Real:
    """``(height, width, 3)`` upright, on white, in 0 to 255."""
    with Image.open(io.BytesIO(data)) as image:
        orientation = image.getexif().get(EXIF_ORIENTATION, 1)
        rgba = np.asarray(image.convert("RGBA"), np.float32)
    opaque = rgba[:, :, 3:] / WHITE
    return _turned(rgba[:, :, :3] * opaque + WHITE * (1 - opaque), orientation)


def _turned(picture: Real, orientation: int) -> Real:
    """As EXIF says: 5 to 8 lie on their side; rows or columns, or both, may run backwards."""
    if orientation in (5, 6, 7, 8):
        picture = picture.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        picture = picture[::-1]
    return picture[:, ::-1] if orientation in (2, 3, 6, 7) else picture


def _square(picture: Real, settings: ImageSettings) -> Pixels:
    height, width = picture.shape[:2]
    size, side, long = settings.size, min(height, width), max(height, width)
    if settings.resize == "crop":
        top, left = (height - side) / 2, (width - side) / 2
        made = _resampled(picture, (top, top + side, size), (left, left + side, size))
    elif settings.resize == "squash":
        made = _resampled(picture, (0, height, size), (0, width, size))
    else:
        rows, columns = round(height / long * size), round(width / long * size)
        top, left = round((size - rows) / 2), round((size - columns) / 2)
        made = np.full((size, size, 3), WHITE, np.float32)
        made[top : top + rows, left : left + columns] = _resampled(picture, (0, height, rows), (0, width, columns))
    return np.clip(np.rint(made), 0, 255).astype(np.uint8)


def _resampled(picture: Real, rows: tuple[float, float, int], columns: tuple[float, float, int]) -> Real:
    """Each axis from ``start`` to ``end``, in pixels of the picture, to ``count`` pixels."""
    height, width = picture.shape[:2]
    narrow: Real = np.tensordot(_weights(width, *columns), picture, axes=(1, 1))
    return np.tensordot(_weights(height, *rows), narrow, axes=(1, 1))


def _weights(length: int, start: float, end: float, count: int) -> Real:
    """``(count, length)``: how much each pixel gives to each new one; a triangle two new pixels wide, or two old."""
    scale = (end - start) / count
    middles = start + (np.arange(count) + 0.5) * scale
    distances = np.abs(np.arange(length)[None, :] + 0.5 - middles[:, None]) / max(scale, 1.0)
    weights = np.maximum(1 - distances, 0)
    share: Real = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return share
