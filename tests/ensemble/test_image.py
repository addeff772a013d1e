from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from ensemble.errors import InvalidInput
from ensemble.image import ImagePreprocessor, decode
from ensemble.settings import ImageSettings

SETTINGS = ImageSettings(
    size=32, resize="squash", max_pixels=2_000_000, max_pixels_jpeg=20_000_000, max_bytes=5_000_000
)
RED, BLUE = (200, 30, 30), (30, 30, 200)


def halves(width: int = 64, height: int = 64) -> Image.Image:
    """Left half red, right half blue."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


def encode(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def corner_colours(data: bytes, settings: ImageSettings = SETTINGS) -> tuple[list[int], list[int]]:
    pixels = np.asarray(decode(data, settings)).astype(int)
    middle = settings.size // 2
    return pixels[middle, 4].tolist(), pixels[middle, -5].tolist()


def near(colour: list[int], wanted: tuple[int, int, int], tolerance: int = 12) -> bool:
    return max(abs(a - b) for a, b in zip(colour, wanted, strict=True)) <= tolerance


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_decodes_each_format(kind: str) -> None:
    left, right = corner_colours(encode(halves(), kind))
    assert near(left, RED)
    assert near(right, BLUE)


@pytest.mark.parametrize("mode", ["P", "L", "LA", "RGBA", "1", "CMYK"])
def test_decodes_each_mode(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    left, right = corner_colours(encode(halves().convert(mode), kind))
    if mode in ("L", "LA", "1"):
        assert left[0] == left[1] == left[2]
        assert right[0] == right[1] == right[2]
    else:
        assert near(left, RED, 25)
        assert near(right, BLUE, 25)


def test_transparency_is_white() -> None:
    image = halves().convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 32, 64))
    left, right = corner_colours(encode(image))
    assert left == [255, 255, 255]
    assert near(right, BLUE)


def test_transparent_palette_colour_is_white() -> None:
    image = Image.new("P", (64, 64), 0)
    image.putpalette([0, 0, 0, 30, 30, 200])
    image.paste(1, (32, 0, 64, 64))
    left, right = corner_colours(encode(image, transparency=0))
    assert left == [255, 255, 255]
    assert near(right, BLUE)


@pytest.mark.parametrize("orientation", range(1, 10))
def test_exif_orientation_is_as_pillow_turns_it(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation  # 9 does not exist, and is left as it is
    image = halves()
    image.paste((0, 200, 0), (0, 0, 32, 32))
    data = encode(image, "PNG", exif=exif)
    turned = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    expected = turned.resize((32, 32), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(np.asarray(decode(data, SETTINGS)), np.asarray(expected))


def test_exif_rotation_by_a_quarter_of_a_scaled_jpeg() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side: turn clockwise to see it upright, so left becomes top
    pixels = np.asarray(decode(encode(halves(1600, 800), "JPEG", exif=exif), SETTINGS)).astype(int)
    assert near(pixels[4, 16].tolist(), RED)
    assert near(pixels[-5, 16].tolist(), BLUE)


def test_large_jpegs_are_scaled_in_the_dct_and_look_the_same() -> None:
    gradient = np.linspace(0, 255, 1900).astype(np.uint8)
    image = Image.fromarray(np.stack([np.tile(gradient, (1000, 1))] * 3, axis=-1))
    scaled = np.asarray(decode(encode(image, "JPEG", quality=95), SETTINGS)).astype(int)
    whole = np.asarray(decode(encode(image, "PNG"), SETTINGS)).astype(int)
    assert np.abs(scaled - whole).max() <= 4


@pytest.mark.parametrize(("resize", "corner"), [("crop", RED), ("pad", (255, 255, 255)), ("squash", RED)])
def test_resizing_of_a_wide_picture(resize: Any, corner: tuple[int, int, int]) -> None:
    pixels = np.asarray(decode(encode(halves(128, 64)), ImageSettings(size=32, resize=resize))).astype(int)
    assert pixels.shape == (32, 32, 3)
    assert near(pixels[0, 0].tolist(), corner)


def animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, BLUE)]
    return encode(frames[0], kind, save_all=True, append_images=frames[1:])


def sixteen_bit_rgb() -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = b"".join(b"\x00" + b"\x12\x34" * 3 * 8 for _ in range(8))
    header = struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def bomb() -> bytes:
    """A PNG that says it has 30,000 x 30,000 pixels in a few hundred bytes."""
    data = bytearray(encode(Image.new("RGB", (8, 8))))
    data[16:24] = struct.pack(">II", 30_000, 30_000)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "IMAGE: empty"),
        (b"hello, I am a text file\n" * 20, "IMAGE: not a picture that can be read; send JPEG, PNG or WebP"),
        (encode(halves(), "GIF"), "IMAGE: not a picture that can be read"),
        (encode(halves(300, 300), "JPEG")[:900], "IMAGE: damaged picture"),
        (encode(halves())[:60], "IMAGE: damaged picture"),
        (bomb(), "IMAGE: 30000 x 30000 pixels; at most 2,000,000"),
        (animated("PNG"), "IMAGE: animated; send a still picture"),
        (animated("WEBP"), "IMAGE: animated; send a still picture"),
        (encode(Image.fromarray(np.full((8, 8), 4000, np.uint16))), "IMAGE: mode I;16 with 16 bits a channel"),
        (sixteen_bit_rgb(), "IMAGE: mode RGB with 16 bits a channel"),
        (b"\xff\xd8" + b"x" * 5_000_000, "IMAGE: 5,000,002 bytes; at most 5,000,000"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_refuses(data: bytes, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode(data, SETTINGS)
    assert str(caught.value).startswith(message)


def test_batches_and_names_the_bad_row() -> None:
    preprocess = ImagePreprocessor(SETTINGS)
    good = encode(halves())
    assert preprocess([good, good]).shape == (2, 32, 32, 3)
    with pytest.raises(InvalidInput, match=r"IMAGE\[1\]: empty"):
        preprocess([good, b""])
