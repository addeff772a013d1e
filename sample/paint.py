"""Two-colour patterns on a square picture, drawn with Pillow; the scale and phase are the product's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from PIL import Image, ImageDraw

from sample.geometry import Outline, ellipse, star, turned
from sample.palette import Rgb, mixed


@dataclass(frozen=True)
class Pattern:
    """A pattern as a product wears it.

    Attributes:
        name: a key of ``PATTERNS``.
        base: ground colour.
        mark: colour of the stripes, dots or flowers.
        period: distance of two marks, in parts of the picture's side.
        phase: shift of the marks, 0..1 of a period.
    """

    name: str
    base: Rgb
    mark: Rgb
    period: float
    phase: float


Painter: TypeAlias = Callable[[ImageDraw.ImageDraw, int, Pattern], None]


def _pixels(outline: Outline, side: int) -> list[tuple[float, float]]:
    return [(float(x) * side, float(y) * side) for x, y in outline]


def _steps(pattern: Pattern) -> Iterator[float]:
    at = (pattern.phase - 1.0) * pattern.period
    while at < 1.0 + pattern.period:
        yield at
        at += pattern.period


def _grid(pattern: Pattern) -> Iterator[tuple[float, float]]:
    for row, y in enumerate(_steps(pattern)):
        for x in _steps(pattern):
            yield x + (pattern.period / 2 if row % 2 else 0.0), y


def _striped(draw: ImageDraw.ImageDraw, side: int, pattern: Pattern) -> None:
    for y in _steps(pattern):
        draw.rectangle((0, y * side, side, (y + pattern.period * 0.5) * side), fill=pattern.mark)


def _pinstriped(draw: ImageDraw.ImageDraw, side: int, pattern: Pattern) -> None:
    for x in _steps(pattern):
        draw.rectangle((x * side, 0, (x + pattern.period * 0.35) * side, side), fill=pattern.mark)


def _dotted(draw: ImageDraw.ImageDraw, side: int, pattern: Pattern) -> None:
    for x, y in _grid(pattern):
        draw.polygon(_pixels(ellipse(x, y, pattern.period * 0.27), side), fill=pattern.mark)


def _checked(draw: ImageDraw.ImageDraw, side: int, pattern: Pattern) -> None:
    half, wide = mixed(pattern.base, pattern.mark, 0.55), pattern.period * 0.5
    for at in _steps(pattern):
        draw.rectangle((0, at * side, side, (at + wide) * side), fill=half)
        draw.rectangle((at * side, 0, (at + wide) * side, side), fill=half)
    for y in _steps(pattern):
        for x in _steps(pattern):
            draw.rectangle((x * side, y * side, (x + wide) * side, (y + wide) * side), fill=pattern.mark)


def _floral(draw: ImageDraw.ImageDraw, side: int, pattern: Pattern) -> None:
    heart = (250, 214, 90) if pattern.mark[2] > 100 or pattern.mark[1] < 120 else (250, 250, 246)
    for number, (x, y) in enumerate(_grid(pattern)):
        size = pattern.period * (0.42 if number % 3 else 0.32)
        for petal in range(5):
            leaf = turned(ellipse(x, y - size * 0.55, size * 0.30, size * 0.46), 72 * petal + 25 * number, (x, y))
            draw.polygon(_pixels(leaf, side), fill=pattern.mark)
        draw.polygon(_pixels(ellipse(x, y, size * 0.26), side), fill=heart)


def _zigzag(draw: ImageDraw.ImageDraw, side: int, pattern: Pattern) -> None:
    step, rise = pattern.period * 0.5, pattern.period * 0.4
    columns = int(1.0 / step) + 3
    for y in _steps(pattern):
        line = [((i - 1) * step * side, (y + (rise if i % 2 else 0.0)) * side) for i in range(columns)]
        draw.line(line, fill=pattern.mark, width=max(2, int(pattern.period * 0.3 * side)), joint="curve")


def _starred(draw: ImageDraw.ImageDraw, side: int, pattern: Pattern) -> None:
    for number, (x, y) in enumerate(_grid(pattern)):
        shape = turned(star(x, y, pattern.period * 0.36), 20.0 * (number % 3), (x, y))
        draw.polygon(_pixels(shape, side), fill=pattern.mark)


def _diamond(draw: ImageDraw.ImageDraw, side: int, pattern: Pattern) -> None:
    for x, y in _grid(pattern):
        draw.polygon(_pixels(star(x, y, pattern.period * 0.48, inner=0.5, tips=2), side), fill=pattern.mark)


PATTERNS: Final[dict[str, Painter]] = {
    "striped": _striped,
    "pinstriped": _pinstriped,
    "polka dot": _dotted,
    "checked": _checked,
    "floral": _floral,
    "zigzag": _zigzag,
    "star print": _starred,
    "diamond print": _diamond,
}


def painted(pattern: Pattern, side: int) -> Image.Image:
    """Return a ``side`` x ``side`` RGB picture filled with the pattern; an unknown name gives the ground alone."""
    picture = Image.new("RGB", (side, side), pattern.base)
    painter = PATTERNS.get(pattern.name)
    if painter is not None:
        painter(ImageDraw.Draw(picture), side, pattern)
    return picture
