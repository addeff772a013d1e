"""Encoded pictures to pixels: one path for the catalogue and for queries.

JPEG, PNG and WebP; EXIF orientation; CMYK, grey, palette and transparency (composed on white). A large JPEG is decoded
at a fraction of its size by scaling inside the DCT, which is several times faster and needs a fraction of the memory.
The header is judged before anything is decoded, so that a bomb costs nothing.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from ensemble.errors import InvalidInput
from ensemble.settings import ImageSettings

FORMATS = ("JPEG", "PNG", "WEBP")
ALLOWED = "JPEG, PNG or WebP"
ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# The DCT may scale down to this multiple of the tower's input; the rest is left to a proper filter.
DRAFT_MARGIN = 2

Image.MAX_IMAGE_PIXELS = None  # ImageSettings.max_pixels is checked here, with an error that names the input


class ImagePreprocessor:
    """Decodes and resizes pictures to the tower's input.

    Args:
        settings: Size, resizing and limits.
    """

    def __init__(self, settings: ImageSettings) -> None:
        self.settings = settings

    def __call__(self, pictures: Sequence[bytes]) -> NDArray[np.uint8]:
        """Decode ``batch`` encoded pictures to ``(batch, size, size, 3)`` RGB.

        Raises:
            InvalidInput: A picture cannot be decoded or is over a limit; names the row.
        """
        size = self.settings.size
        pixels = np.empty((len(pictures), size, size, 3), np.uint8)
        for row, picture in enumerate(pictures):
            try:
                pixels[row] = np.asarray(decode(picture, self.settings))
            except InvalidInput as error:
                raise error.at(row, of=len(pictures)) from None
        return pixels

    def blank(self) -> NDArray[np.uint8]:
        """The ``(size, size, 3)`` white picture that stands where a product has none."""
        return np.full((self.settings.size, self.settings.size, 3), 255, np.uint8)


def decode(data: bytes, settings: ImageSettings, *, name: str = "IMAGE") -> Image.Image:
    """Decode one picture to RGB at the tower's size.

    Raises:
        InvalidInput: Not a picture of an allowed kind, damaged, or over a limit.
    """
    if not data:
        raise InvalidInput(name, f"empty; send the bytes of a {ALLOWED} file")
    if len(data) > settings.max_bytes:
        raise InvalidInput(name, f"{len(data):,} bytes; at most {settings.max_bytes:,} are allowed")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _judge_header(image, settings, name)
            image.draft("RGB", (DRAFT_MARGIN * settings.size, DRAFT_MARGIN * settings.size))
            return on_white(fit(to_channels(upright(image)), settings))
    except UnidentifiedImageError:
        raise InvalidInput(name, f"not a picture that can be read; send {ALLOWED}") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise InvalidInput(name, f"damaged picture: {error}; send a whole {ALLOWED} file") from None


def upright(image: Image.Image) -> Image.Image:
    """Turn a picture as its EXIF orientation says."""
    # `exif_transpose` copies and rewrites the EXIF of every picture: most need no turn, and none its EXIF again.
    turn = TURNS.get(image.getexif().get(ORIENTATION, 1))
    return image if turn is None else image.transpose(turn)


def to_channels(image: Image.Image) -> Image.Image:
    """Bring any 8-bit mode to RGB, or to RGBA where it has transparency."""
    transparent = image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info
    mode = "RGBA" if transparent else "RGB"
    return image if image.mode == mode else image.convert(mode)


def on_white(image: Image.Image) -> Image.Image:
    """Compose on white, as a shop's page shows it; after resizing, since it takes three copies of the picture."""
    if image.mode == "RGB":
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def fit(image: Image.Image, settings: ImageSettings) -> Image.Image:
    """Resize to the tower's square by ``crop``, ``pad`` or ``squash``."""
    square = (settings.size, settings.size)
    if settings.resize == "crop":
        return ImageOps.fit(image, square, Image.Resampling.BILINEAR)
    if settings.resize == "pad":
        return ImageOps.pad(image, square, Image.Resampling.BILINEAR, color="white")
    return image.resize(square, Image.Resampling.BILINEAR)


def _judge_header(image: Image.Image, settings: ImageSettings, name: str) -> None:
    """Refuse by the header alone what is too large, animated or deeper than 8 bits."""
    width, height = image.size
    # A JPEG is decoded at a fraction of its size, anything else whole.
    limit = settings.max_pixels_jpeg if image.format in ("JPEG", "MPO") else settings.max_pixels
    if width * height > limit:
        raise InvalidInput(name, f"{width} x {height} pixels; at most {limit:,} in all are allowed")
    # A phone's JPEG may hold a depth map as a second frame (MPO): its first frame is the photo.
    if image.format in ("PNG", "WEBP") and getattr(image, "n_frames", 1) > 1:
        raise InvalidInput(name, "animated; send a still picture")
    if image.mode.startswith(("I", "F")) or _bits(image) > 8:
        raise InvalidInput(name, f"mode {image.mode} with 16 bits a channel; send 8 bits a channel")


def _bits(image: Image.Image) -> int:
    """Bits a channel as stored; Pillow opens 16-bit RGB PNGs as 8-bit and keeps the truth only in the raw mode."""
    tiles = getattr(image, "tile", None) or []
    raw = str(tiles[0][3]) if tiles else ""
    return 16 if ";16" in raw else 8
