"""Outlines in the unit square: (n, 2) arrays of x, y with y pointing down. Every function is pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Outline: TypeAlias = NDArray[np.float64]
Points: TypeAlias = Sequence[tuple[float, float]] | Outline


def polygon(*points: tuple[float, float]) -> Outline:
    """Return the corners as an (n, 2) outline."""
    return np.asarray(points, dtype=np.float64)


def rect(x0: float, y0: float, x1: float, y1: float) -> Outline:
    """Return the rectangle with the given corners, (4, 2)."""
    return polygon((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def arc(centre: tuple[float, float], radii: tuple[float, float], start: float, stop: float, count: int = 32) -> Outline:
    """Return points of an elliptic arc from ``start`` to ``stop`` degrees (0 is right, 90 is down), (count, 2)."""
    angles = np.radians(np.linspace(start, stop, count))
    return np.stack([centre[0] + radii[0] * np.cos(angles), centre[1] + radii[1] * np.sin(angles)], axis=1)


def ellipse(cx: float, cy: float, rx: float, ry: float | None = None) -> Outline:
    """Return a whole ellipse (a circle when ``ry`` is left out), (48, 2)."""
    return arc((cx, cy), (rx, rx if ry is None else ry), 0.0, 352.5, 48)


def rounded(x0: float, y0: float, x1: float, y1: float, radius: float) -> Outline:
    """Return a rectangle whose corners are quarter circles of ``radius``, (32, 2)."""
    r = min(radius, abs(x1 - x0) / 2, abs(y1 - y0) / 2)
    corners = (((x1 - r, y0 + r), -90), ((x1 - r, y1 - r), 0), ((x0 + r, y1 - r), 90), ((x0 + r, y0 + r), 180))
    return np.concatenate([arc(centre, (r, r), start, start + 90, 8) for centre, start in corners])


def spline(points: Points, *, closed: bool = False, steps: int = 10) -> Outline:
    """Return a Catmull-Rom curve through ``points``, ``steps`` samples a segment."""
    p = np.asarray(points, dtype=np.float64)
    padded = np.concatenate([p[-1:], p, p[:2]]) if closed else np.concatenate([p[:1], p, p[-1:]])
    t = np.linspace(0.0, 1.0, steps, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    curve = np.concatenate(pieces)
    return curve if closed else np.concatenate([curve, p[-1:]])


def lathe(profile: Points, *, cx: float = 0.5, smooth: bool = True) -> Outline:
    """Return the silhouette of a turned body from its (half width, y) profile, top to bottom."""
    side = spline(profile) if smooth else np.asarray(profile, dtype=np.float64)
    right = np.stack([cx + side[:, 0], side[:, 1]], axis=1)
    left = np.stack([cx - side[:, 0], side[:, 1]], axis=1)
    return np.concatenate([right, left[::-1]])


def band(path: Points, start: float, stop: float | None = None) -> Outline:
    """Return a line of the given width along ``path``, going from width ``start`` to ``stop``."""
    p = np.asarray(path, dtype=np.float64)
    along = np.gradient(p, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.maximum(
        np.linalg.norm(along, axis=1, keepdims=True), 1e-9
    )
    half = np.linspace(start, start if stop is None else stop, len(p))[:, None] / 2
    return np.concatenate([p + normal * half, (p - normal * half)[::-1]])


def mirrored(outline: Outline, cx: float = 0.5) -> Outline:
    """Return the outline mirrored at the vertical line x = ``cx``."""
    return np.stack([2 * cx - outline[:, 0], outline[:, 1]], axis=1)


def turned(outline: Outline, degrees: float, centre: tuple[float, float] = (0.5, 0.5)) -> Outline:
    """Return the outline turned clockwise around ``centre``."""
    a = np.radians(degrees)
    spin = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    moved: Outline = (outline - np.asarray(centre)) @ spin + np.asarray(centre)
    return moved


def star(cx: float, cy: float, radius: float, inner: float = 0.45, tips: int = 5) -> Outline:
    """Return a star with ``tips`` points, (2 * tips, 2)."""
    angles = np.radians(np.arange(2 * tips) * 180.0 / tips - 90.0)
    radii = np.where(np.arange(2 * tips) % 2 == 0, radius, radius * inner)
    return np.stack([cx + radii * np.cos(angles), cy + radii * np.sin(angles)], axis=1)
