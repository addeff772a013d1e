"""Turns parts into pixels: an RGBA sprite of the product, and the catalogue picture on a clean backdrop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from sample.geometry import Outline
from sample.paint import Pattern, painted
from sample.palette import TRIMS, Rgb, scaled
from sample.parts import Part

Finish: TypeAlias = Literal["gloss", "matt", "metal", "wood", "fabric"]
_OVERSAMPLE: Final = 2
_RAMP_SIDE: Final = 64


@dataclass(frozen=True)
class Skin:
    """The surface of one product: pattern, second colour and finish."""

    pattern: Pattern
    accent: Rgb
    finish: Finish

    def colour(self, paint: str) -> Rgb:
        """Return the solid colour of a paint; ``main`` and ``plain`` give the pattern's ground."""
        if paint in {"main", "plain"}:
            return self.pattern.base
        return self.accent if paint == "accent" else TRIMS[paint]


def _picture(values: NDArray[np.float64]) -> Image.Image:
    return Image.fromarray(np.clip(values * 255.0, 0, 255).astype(np.uint8))


@cache
def _ramp(shade: str, finish: str) -> Image.Image:
    """Light on a part as a 64 x 64 grey picture; white is full light."""
    y, x = np.mgrid[0:_RAMP_SIDE, 0:_RAMP_SIDE] / (_RAMP_SIDE - 1)
    if shade == "ball":
        light = 1.0 - 0.55 * np.clip(np.hypot(x - 0.36, y - 0.32) - 0.12, 0, 1)
    elif shade == "round" and finish == "metal":
        light = 0.78 + 0.22 * np.cos(9.0 * (x - 0.3)) - 0.16 * x
    elif shade == "round":
        light = 1.0 - 1.25 * np.where(x < 0.36, (0.36 - x) ** 2, 0.62 * (x - 0.36) ** 2 * 1.5)
    elif shade == "down":
        light = 1.0 - 0.20 * y
    elif shade == "cloth":
        light = 0.95 + 0.05 * np.sin(11.0 * x + 3.0 * y) - 0.10 * y * (1 - x)
    else:
        light = 1.0 - 0.06 * y
    return _picture(light)


@cache
def _glint(shade: str) -> Image.Image:
    """Where a glossy part mirrors the lamp, as a 64 x 64 mask."""
    y, x = np.mgrid[0:_RAMP_SIDE, 0:_RAMP_SIDE] / (_RAMP_SIDE - 1)
    if shade == "ball":
        spot = np.exp(-(((x - 0.32) / 0.10) ** 2) - ((y - 0.26) / 0.08) ** 2)
    else:
        spot = np.exp(-(((x - 0.24) / 0.05) ** 2)) * np.clip(np.sin(np.pi * y) * 1.4, 0, 1)
    return _picture(0.62 * spot)


@cache
def _texture(finish: str, side: int) -> Image.Image | None:
    rng = np.random.default_rng(5)
    if finish == "wood":
        grain = np.asarray(_picture(rng.random((side // 4, 6))).resize((side, side), Image.Resampling.BICUBIC)) / 255.0
        return _picture(0.84 + 0.16 * grain)
    if finish == "fabric":
        y, x = np.mgrid[0:side, 0:side]
        return _picture(0.95 + 0.05 * ((x // 3 + y // 3) % 2) - 0.03 * rng.random((side, side)))
    return None


def _pixels(outline: Outline, side: int, left: int = 0, top: int = 0) -> list[tuple[float, float]]:
    return [(float(x) * side - left, float(y) * side - top) for x, y in outline]


def _box(outline: Outline, side: int) -> tuple[int, int, int, int]:
    low = np.floor(outline.min(axis=0) * side).astype(int)
    high = np.ceil(outline.max(axis=0) * side).astype(int) + 1
    return max(0, int(low[0])), max(0, int(low[1])), min(side, int(high[0])), min(side, int(high[1]))


def _lit(fill: Image.Image, part: Part, box: tuple[int, int, int, int], side: int, finish: str) -> Image.Image:
    ramp = _ramp(part.shade, finish).resize(fill.size, Image.Resampling.BILINEAR)
    if part.tone < 1.0:
        ramp = ramp.point(lambda value: value * part.tone)
    texture = _texture(finish, side) if part.paint in {"main", "plain"} else None
    if texture is not None:
        ramp = ImageChops.multiply(ramp, texture.crop(box))
    lit = ImageChops.multiply(fill, Image.merge("RGB", (ramp, ramp, ramp)))
    if finish in {"gloss", "metal"} and part.shade in {"round", "ball"}:
        lit.paste((255, 255, 255), (0, 0), _glint(part.shade).resize(fill.size, Image.Resampling.BILINEAR))
    return lit


def _paint_part(canvas: Image.Image, part: Part, skin: Skin, layer: Image.Image) -> None:
    side = canvas.width
    box = _box(part.outline, side)
    size = (box[2] - box[0], box[3] - box[1])
    if min(size) < 1:
        return
    mask = Image.new("L", size, 0)
    cut = ImageDraw.Draw(mask)
    cut.polygon(_pixels(part.outline, side, box[0], box[1]), fill=255)
    for hole in part.holes:
        cut.polygon(_pixels(hole, side, box[0], box[1]), fill=0)
    fill = layer.crop(box) if part.paint == "main" else Image.new("RGB", size, skin.colour(part.paint))
    canvas.paste(_lit(fill, part, box, side, skin.finish), box, mask)
    edge = scaled(skin.colour(part.paint), 0.55 * part.tone)
    pen = ImageDraw.Draw(canvas)
    for line in (part.outline, *part.holes):
        pixels = _pixels(line, side)
        pen.line([*pixels, pixels[0]], fill=(*edge, 255), width=max(2, side // 220), joint="curve")


def sprite(parts: Iterable[Part], skin: Skin, side: int = 256) -> Image.Image:
    """Draw the parts in order on a transparent ``side`` x ``side`` RGBA picture."""
    big = side * _OVERSAMPLE
    canvas = Image.new("RGBA", (big, big), (*skin.pattern.base, 0))
    layer = painted(skin.pattern, big)
    for part in parts:
        _paint_part(canvas, part, skin, layer)
    return canvas.reduce(_OVERSAMPLE)


def catalogue_picture(figure: Image.Image, backdrop: Rgb) -> Image.Image:
    """Put a sprite on a clean backdrop with a soft contact shadow; RGB of the sprite's size."""
    side = figure.width
    picture = Image.new("RGB", figure.size, backdrop)
    shadow = figure.getchannel("A").resize((side // 8, side // 8)).filter(ImageFilter.GaussianBlur(1.5))
    shadow = shadow.resize(figure.size, Image.Resampling.BILINEAR).point(lambda value: value * 0.28)
    picture.paste(scaled(backdrop, 0.55), (side // 80, side // 50), shadow)
    picture.paste(figure, (0, 0), figure)
    return picture
