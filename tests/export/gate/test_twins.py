"""The served preprocessing and its slow twins agree on everything that serving accepts."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ensemble.image import ImagePreprocessor
from ensemble.settings import ImageSettings, ResizeMode, TextSettings
from ensemble.text import TextPreprocessor
from export.gate.preparation import MAX_ROUNDING, text_preparation, vision_preparation
from export.gate.twin_image import pixels_of
from export.gate.twin_text import TextTwin
from tests import tiny
from tests.export.gate.conftest import picture

MODES: tuple[ResizeMode, ...] = ("crop", "pad", "squash")
PHOTOS = Path(os.environ.get("TANDEM_DATA", "../shared/data")) / "grocery" / "photos"
# (width, height): up, down, one axis each, thin, and large enough for a JPEG to be shrunk inside its DCT.
SIZES = ((20, 20), (60, 30), (30, 61), (200, 24), (31, 150), (320, 240), (96, 96), (900, 500))


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def opened(width: int = 90, height: int = 60) -> Image.Image:
    return Image.open(io.BytesIO(picture(4, width=width, height=height)))


def difference(data: bytes, settings: ImageSettings) -> tuple[float, int]:
    """Mean and largest difference of a value of 0 to 255."""
    apart = np.abs(ImagePreprocessor(settings)([data]).astype(int) - pixels_of([data], settings))
    return float(apart.mean()), int(apart.max())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_pictures_of_every_shape(mode: ResizeMode, size: tuple[int, int], kind: str) -> None:
    data = encoded(opened(*size), kind, **({"quality": 95} if kind == "JPEG" else {}))
    mean, largest = difference(data, ImageSettings(96, mode))
    assert mean < 0.6
    assert largest <= 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation(mode: ResizeMode, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    mean, _ = difference(encoded(opened(), "JPEG", exif=exif), ImageSettings(32, mode))
    assert mean < 0.6


def transparent(mode: str) -> Image.Image:
    image = opened().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image.convert(mode)


KINDS = {
    "grey": encoded(opened().convert("L")),
    "black and white": encoded(opened().convert("1")),
    "palette": encoded(opened().convert("P")),
    "palette with a transparent colour": encoded(opened().convert("P"), transparency=3),
    "grey with a transparent shade": encoded(opened().convert("L"), transparency=120),
    "transparent": encoded(transparent("RGBA")),
    "transparent grey": encoded(transparent("LA")),
    "transparent WebP": encoded(transparent("RGBA"), "WEBP"),
    "CMYK": encoded(opened().convert("CMYK"), "JPEG"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture(mode: ResizeMode, kind: str) -> None:
    assert difference(KINDS[kind], ImageSettings(48, mode))[0] < 0.6


@pytest.mark.skipif(not PHOTOS.is_dir(), reason=f"no photos at {PHOTOS}; set TANDEM_DATA")
def test_real_photos() -> None:
    photos = [path.read_bytes() for path in sorted(PHOTOS.glob("val_*.jpg"))[::20]]
    assert len(photos) > 10
    for mode in MODES:
        assert max(difference(photo, ImageSettings(224, mode))[0] for photo in photos) < 0.6


@pytest.mark.parametrize("served", MODES)
@pytest.mark.parametrize("wanted", MODES)
def test_ways_to_resize_are_told_apart(served: ResizeMode, wanted: ResizeMode) -> None:
    prepared = vision_preparation(ImageSettings(96, served), ImageSettings(96, wanted))([picture(4)])
    same = served == wanted
    assert (prepared.differences[0] <= MAX_ROUNDING) == same
    assert (prepared.wanted is prepared.served) == same


def test_a_picture_of_another_size_is_infinitely_different() -> None:
    prepared = vision_preparation(ImageSettings(96), ImageSettings(80))([picture(4)])
    assert np.isinf(prepared.differences).all()
    assert prepared.wanted["PIXELS"].shape == (1, 80, 80, 3)


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    tiny.tokenizer().save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


TEXTS = (
    "red",
    " small  red mug\x00 ",
    "[SEP] [CLS] red",
    "unknown words here",
    " ".join(tiny.WORDS * 3),
    "red blue " * 7,
    "white",
)


def test_texts_alone_and_together(tokenizer: Path) -> None:
    served, twin = TextPreprocessor(tokenizer, tiny.TEXT), TextTwin(tokenizer, tiny.TEXT)
    for texts in ([TEXTS[0]], *[[text] for text in TEXTS], list(TEXTS), list(TEXTS[:2])):
        ours, theirs = served(texts), twin(texts)
        np.testing.assert_array_equal(ours.input_ids, theirs.input_ids)
        np.testing.assert_array_equal(ours.lengths, theirs.lengths)


def test_texts_cut_elsewhere_are_infinitely_different(tokenizer: Path) -> None:
    other = TextTwin(tokenizer, TextSettings(max_tokens=8, buckets=(8,)))
    prepared = text_preparation(tokenizer, TextSettings(max_tokens=6, buckets=(6,)), other)(["red", TEXTS[4]])
    assert np.isinf(prepared.differences).all()
    same = text_preparation(tokenizer, TextSettings(max_tokens=8, buckets=(8,)), other)(["red", TEXTS[4]])
    assert (same.differences == 0).all()
    assert same.wanted is same.served


def test_a_crowd_pads_a_few_texts_to_every_bucket(tokenizer: Path) -> None:
    crowds = text_preparation(tokenizer, tiny.TEXT).crowds(["red", "blue mug"])
    assert [feed["INPUT_IDS"].shape for feed in crowds] == [(3, 4), (3, 8), (3, 16)]
    assert [feed["LENGTHS"].ravel().tolist() for feed in crowds] == [[3, 4, width] for width in (4, 8, 16)]
