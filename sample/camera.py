"""A phone camera in a shop: perspective, light, white balance, blur, noise, clutter. Same seed, same photo."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from sample.palette import Rgb, scaled

_SURFACES: tuple[Rgb, ...] = (
    (188, 150, 110),
    (150, 112, 80),
    (224, 214, 200),
    (200, 204, 206),
    (120, 124, 130),
    (172, 186, 180),
    (214, 190, 170),
    (92, 84, 80),
    (236, 234, 230),
    (160, 150, 168),
)


def _surface(rng: np.random.Generator) -> Rgb:
    return scaled(_SURFACES[rng.integers(len(_SURFACES))], float(rng.uniform(0.8, 1.1)))


def _grain(size: tuple[int, int], rng: np.random.Generator, cell: tuple[int, int]) -> Image.Image:
    width, height = max(2, size[0] // cell[0]), max(2, size[1] // cell[1])
    noise = (rng.random((height, width)) * 255).astype(np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def scene(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """Draw an empty place to put a product on: table, planks, tiles, cloth or wall; RGB of ``size`` (w, h)."""
    width, height = size
    ground = _surface(rng)
    picture = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(picture)
    style = int(rng.integers(5))
    if style == 0:
        draw.rectangle((0, 0, width, int(height * rng.uniform(0.3, 0.75))), fill=_surface(rng))
    elif style in {1, 2}:
        step = float(rng.uniform(0.12, 0.35)) * height
        at = float(rng.uniform(0, step))
        while at < max(size):
            line = scaled(ground, 0.72 if style == 1 else 1.12)
            draw.line((0, at, width, at), fill=line, width=max(1, height // 100))
            if style == 2:
                draw.line((at, 0, at, height), fill=line, width=max(1, height // 100))
            at += step
    cell = (width // 3, 2) if style == 1 else (max(2, height // 24), max(2, height // 24))
    shade = Image.new("RGB", size, scaled(ground, 0.7))
    return Image.composite(shade, picture, _grain(size, rng, cell).point(lambda value: value * 0.35))


def _homography(target: NDArray[np.float64], source: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the eight coefficients that map target corners (4, 2) to source corners (4, 2), as Pillow wants them."""
    rows, values = [], []
    for (x, y), (u, v) in zip(target, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return tuple(float(c) for c in np.linalg.solve(np.asarray(rows), np.asarray(values)))


def placed(
    figure: Image.Image,
    size: tuple[int, int],
    middle: tuple[float, float],
    side: float,
    degrees: float,
    corners: NDArray[np.float64],
) -> Image.Image:
    """Show an RGBA figure in perspective on a transparent picture.

    Args:
        figure: square sprite.
        size: (width, height) of the result in pixels.
        middle: where its centre goes, pixels.
        side: its side there, pixels.
        degrees: turn in the picture plane.
        corners: (4, 2) shift of its corners, in parts of ``side``.
    """
    unit = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    a = np.radians(degrees)
    spin = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    target = np.asarray(middle) + side * ((unit + corners) @ spin)
    source = (unit + 0.5) * figure.width
    return figure.transform(size, Image.Transform.PERSPECTIVE, _homography(target, source), Image.Resampling.BILINEAR)


def _clutter(picture: Image.Image, others: Sequence[Image.Image], rng: np.random.Generator) -> None:
    short = min(picture.size)
    for other in others:
        angle, away = rng.uniform(0, 2 * np.pi), rng.uniform(0.55, 0.75)
        middle = (
            picture.width / 2 + away * picture.width * np.cos(angle),
            picture.height / 2 + away * picture.height * np.sin(angle),
        )
        side = float(rng.uniform(0.35, 0.7)) * short
        thing = placed(other, picture.size, middle, side, float(rng.uniform(-40, 40)), rng.uniform(-0.06, 0.06, (4, 2)))
        picture.paste(thing, (0, 0), thing)


def _shadow(picture: Image.Image, thing: Image.Image, rng: np.random.Generator) -> None:
    small = thing.getchannel("A").resize((max(8, picture.width // 6), max(8, picture.height // 6)))
    soft = small.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.6, 1.6)))).resize(
        picture.size, Image.Resampling.BILINEAR
    )
    depth = float(rng.uniform(0.25, 0.6))
    reach = max(1, picture.height // 20)
    shift = int(rng.integers(-reach, reach + 1)), int(rng.integers(0, reach + 1))
    picture.paste((20, 18, 16), shift, soft.point(lambda value: value * depth))


def _exposed(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Apply light that falls off to one side, exposure, white balance, gamma and sensor noise."""
    pixels = np.asarray(picture, dtype=np.float32) / 255.0
    height, width = pixels.shape[:2]
    angle, drop = rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 0.35)
    y, x = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j].astype(np.float32)
    light = 1.0 + drop * (np.cos(angle) * x + np.sin(angle) * y)
    gains = rng.uniform(0.8, 1.15) * (
        1.0 + rng.uniform(-1.0, 1.0) * np.array([0.09, 0.0, -0.09]) + rng.uniform(-0.02, 0.02, 3)
    )
    pixels = (pixels * light[..., None].astype(np.float32) * gains.astype(np.float32)) ** np.float32(
        rng.uniform(0.88, 1.14)
    )
    pixels += rng.standard_normal(pixels.shape, dtype=np.float32) * np.float32(rng.uniform(0.003, 0.025))
    return Image.fromarray((np.clip(pixels, 0.0, 1.0) * 255.0).astype(np.uint8))


def photograph(
    figure: Image.Image, others: Sequence[Image.Image], size: tuple[int, int], rng: np.random.Generator
) -> Image.Image:
    """Take a camera-like photo of a product among others.

    Args:
        figure: RGBA sprite of the product, square.
        others: RGBA sprites that may lie around it.
        size: (width, height) of the photo in pixels.
        rng: source of everything random.

    Returns:
        RGB photo, the product near its middle.
    """
    short = min(size)
    picture = scene(size, rng)
    _clutter(picture, others, rng)
    picture = picture.filter(ImageFilter.GaussianBlur(short * float(rng.uniform(0.0, 0.012))))
    middle = size[0] / 2 + short * rng.uniform(-0.07, 0.07), size[1] / 2 + short * rng.uniform(-0.07, 0.07)
    side = float(rng.uniform(0.68, 1.0)) * short
    degrees = float(np.clip(rng.normal(0, 11), -30, 30))
    thing = placed(figure, size, middle, side, degrees, rng.uniform(-0.08, 0.08, (4, 2)))
    _shadow(picture, thing, rng)
    picture.paste(thing, (0, 0), thing)
    if rng.random() < 0.7:
        picture = picture.filter(ImageFilter.GaussianBlur(short * float(rng.uniform(0.0, 0.007))))
    return _exposed(picture, rng)
