"""The colours of the shop: names that people use, and the RGB values that they agree with."""

from __future__ import annotations

from typing import Final, TypeAlias

Rgb: TypeAlias = tuple[int, int, int]

COLOURS: Final[dict[str, Rgb]] = {
    "red": (206, 38, 44),
    "orange": (240, 126, 28),
    "yellow": (246, 205, 48),
    "green": (58, 146, 66),
    "turquoise": (44, 184, 176),
    "sky blue": (112, 182, 236),
    "navy": (32, 50, 112),
    "purple": (122, 62, 160),
    "pink": (244, 140, 178),
    "brown": (124, 76, 44),
    "beige": (222, 200, 160),
    "white": (246, 246, 244),
    "grey": (142, 146, 152),
    "black": (40, 40, 44),
}
BACKDROPS: Final[tuple[Rgb, ...]] = (
    (255, 255, 255),
    (246, 246, 246),
    (244, 240, 234),
    (236, 241, 246),
    (240, 244, 238),
    (247, 238, 240),
)
TRIMS: Final[dict[str, Rgb]] = {
    "dark": (58, 56, 60),
    "light": (240, 238, 232),
    "steel": (176, 182, 190),
    "brass": (206, 166, 82),
    "wood": (176, 124, 74),
    "leaf": (70, 140, 72),
    "glass": (196, 222, 230),
}
_MIN_CONTRAST: Final = 120.0


def contrast(one: Rgb, other: Rgb) -> float:
    """Distance of two colours in RGB, weighted as the eye weighs the channels; 0 to about 640.

    >>> contrast((0, 0, 0), (0, 0, 0))
    0.0
    """
    weights = (2.0, 3.0, 1.5)
    return float(sum(w * (a - b) ** 2 for w, a, b in zip(weights, one, other, strict=True)) ** 0.5)


def partners(colour: str) -> tuple[str, ...]:
    """Return the colours that stand out clearly against ``colour``, in the palette's order."""
    base = COLOURS[colour]
    return tuple(name for name, rgb in COLOURS.items() if contrast(base, rgb) >= _MIN_CONTRAST)


def scaled(colour: Rgb, tone: float) -> Rgb:
    """Multiply a colour by ``tone`` (1.0 leaves it as it is), clipped to 0..255."""
    r, g, b = (min(255, max(0, round(channel * tone))) for channel in colour)
    return r, g, b


def mixed(one: Rgb, other: Rgb, share: float) -> Rgb:
    """Blend two colours; ``share`` 0 gives ``one``, 1 gives ``other``."""
    r, g, b = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return r, g, b
