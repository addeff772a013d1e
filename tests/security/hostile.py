"""Pictures and texts that are made to do harm."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

from PIL import Image

from tests.ensemble.test_image import animated, bomb, sixteen_bit_rgb

NOT_READ = "IMAGE: not a picture that can be read"


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


def deflated_bomb() -> bytes:
    """16 million white pixels, as many as are allowed, in 16 kB."""
    packer = zlib.compressobj(9)
    row = b"\x00" + b"\xff" * 4_000
    body = b"".join([*(packer.compress(row) for _ in range(4_000)), packer.flush()])
    return png(4_000, 4_000, chunk(b"IDAT", body), colour=0)


def more_rows_than_told() -> bytes:
    """A header of 8 x 8 pixels before the data of 64 megabytes."""
    packer = zlib.compressobj(9)
    body = b"".join([*(packer.compress(b"\x00" * 4_000_000) for _ in range(16)), packer.flush()])
    return png(8, 8, chunk(b"IDAT", body))


def words_bomb() -> bytes:
    """A small picture with a note that unpacks to 64 megabytes."""
    note = b"note\x00\x00" + zlib.compress(b"\x00" * 64_000_000, 9)
    rows = zlib.compress((b"\x00" + b"\x80" * 24) * 8)
    return png(8, 8, chunk(b"zTXt", note), chunk(b"IDAT", rows))


def profile_bomb() -> bytes:
    """The same as a colour profile."""
    profile = b"icc\x00\x00" + zlib.compress(b"\x00" * 64_000_000, 9)
    rows = zlib.compress((b"\x00" + b"\x80" * 24) * 8)
    return png(8, 8, chunk(b"iCCP", profile), chunk(b"IDAT", rows))


def jpeg_header(width: int, height: int) -> bytes:
    """A JPEG that says how large it is, and ends there."""
    whole = bytearray(encode(Image.new("RGB", (8, 8)), "JPEG"))
    at = whole.index(b"\xff\xc0") + 5
    whole[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(whole)


def webp_header() -> bytes:
    """A WebP of 16,384 x 16,384 pixels, by its header."""
    side = struct.pack("<I", 16_383)[:3]
    body = b"VP8X" + struct.pack("<I", 10) + b"\x00\x00\x00\x00" + side + side
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


SVG = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><svg>&e;</svg>'
SMALL = Image.new("RGB", (16, 16), "red")

# Made when they are asked for: some are large
PICTURES: dict[str, tuple[Callable[[], bytes], str]] = {
    "a bomb by its header": (bomb, "IMAGE: 30000 x 30000 pixels; at most 16,000,000"),
    "a wide one": (lambda: png(2**31 - 1, 1), "IMAGE: 2147483647 x 1 pixels; at most 16,000,000"),
    "no pixels": (lambda: png(0, 0), "IMAGE: "),
    "a JPEG of 65,535 x 65,535": (
        lambda: jpeg_header(65_535, 65_535),
        "IMAGE: 65535 x 65535 pixels; at most 50,000,000",
    ),
    "a WebP of 16,384 x 16,384": (webp_header, "IMAGE: "),
    "a note that unpacks": (words_bomb, "IMAGE: damaged picture"),
    "cut off": (lambda: encode(SMALL, "PNG")[:50], "IMAGE: damaged picture"),
    "a wrong checksum": (lambda: encode(SMALL, "PNG").replace(b"IDAT", b"IDAX"), NOT_READ),
    "SVG with a file in it": (lambda: SVG, NOT_READ),
    "GIF": (lambda: encode(SMALL, "GIF"), NOT_READ),
    "an animated GIF": (lambda: encode(SMALL, "GIF", save_all=True, append_images=[SMALL.rotate(9)]), NOT_READ),
    "TIFF": (lambda: encode(SMALL, "TIFF"), NOT_READ),
    "BMP": (lambda: encode(SMALL, "BMP"), NOT_READ),
    "an icon": (lambda: encode(SMALL, "ICO"), NOT_READ),
    "PostScript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (r) file\n", NOT_READ),
    "PDF": (lambda: encode(SMALL, "PDF"), NOT_READ),
    "ZIP": (lambda: b"PK\x03\x04" + b"\x00" * 99, NOT_READ),
    "an address": (lambda: b"http://127.0.0.1:1/x.jpg", NOT_READ),
    "a path": (lambda: b"/etc/passwd", NOT_READ),
    "an animated PNG": (lambda: animated("PNG"), "IMAGE: animated; send a still picture"),
    "16 bits": (sixteen_bit_rgb, "IMAGE: mode RGB with 16 bits a channel"),
    "21 MB": (lambda: b"\xff\xd8\xff" + b"\x00" * 22_000_000, "IMAGE: 22,000,003 bytes; at most 20,971,520"),
}

ODD: dict[str, Callable[[], bytes]] = {
    "as many pixels as are allowed": deflated_bomb,
    "more rows than told": more_rows_than_told,
    "a colour profile that unpacks": profile_bomb,
    "a ZIP behind it": lambda: encode(SMALL, "JPEG") + b"PK\x03\x04" + b"\x00" * 999,
    "a script in its comment": lambda: encode(SMALL, "JPEG", comment=b"<script>alert(1)</script><?php id(); ?>"),
    "CMYK": lambda: encode(Image.new("CMYK", (16, 16)), "JPEG"),
    "a turn by EXIF": lambda: encode(SMALL, "JPEG", exif=turned()),
    "EXIF that is none": lambda: encode(SMALL, "JPEG", exif=b"Exif\x00\x00" + b"\xff" * 60_000),
}  # fmt: skip


DEEP = 2_000


def deep_filter(levels: int) -> bytes:
    return b'{"not": ' * levels + b'{"eq": ["available", true]}' + b"}" * levels


TEXTS: dict[str, tuple[dict[str, Any], str]] = {
    "1 MB": ({"text": "x" * 1_000_000}, "TEXT: 1,000,000 bytes; at most 8,000 characters"),
    "half a surrogate pair": ({"text": b"\xed\xa0\x80 mug"}, "TEXT: not UTF-8"),
    "overlong": ({"text": b"\xc0\xaf\xc0\xae"}, "TEXT: not UTF-8"),
    "a deep filter": ({"text": "mug", "filter": deep_filter(DEEP)}, "FILTER"),
    "a deep list": ({"text": "mug", "filter": b"[" * 30_000 + b"]" * 30_000}, "FILTER"),
    "a large filter": ({"text": "mug", "filter": {"in": ["category", ["x" * 99] * 900]}}, "FILTER: "),
    "many comparisons": (
        {"text": "mug", "filter": {"or": [{"eq": ["available", True]}] * 900}},
        "FILTER.or[256].eq: 257 comparisons up to here; at most 256",
    ),
    "a number of 10,000 digits": (
        {"text": "mug", "filter": b'{"eq": ["price", ' + b"9" * 10_000 + b"]}"},
        "FILTER",
    ),
    "a deep score": ({"text": "mug", "rank": "similarity + " + "(" * 400 + "1" + ")" * 400}, "RANK"),
    "a long score": ({"text": "mug", "rank": "similarity" + " + 1" * 5_000}, "RANK: "),
    "a power in a score": ({"text": "mug", "rank": "similarity + 9**9**9**9"}, "RANK"),
    "an attribute in a score": ({"text": "mug", "rank": "similarity + price.__class__"}, "RANK"),
    "K beyond all": ({"text": "mug", "k": 2**31 - 1}, "K: 2147483647; 1 to 1,000"),
    "K below all": ({"text": "mug", "k": -(2**31)}, "K: -2147483648; 1 to 1,000"),
}
HARMLESS = [
    "\x00\x01\x1b[2J\x7f mug",
    "mug\u202egum\u2066",
    "\ufeffmug\uffff",
    "e" + "\u0301" * 3_000,
    "' OR 1=1; DROP TABLE products; --",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "../../etc/passwd",
    "%00%0d%0aHost: x",
]
