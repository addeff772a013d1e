"""Home decor: vases, clocks, candles, picture frames, cushions and potted plants."""

from __future__ import annotations

import numpy as np

from sample.geometry import Outline, arc, band, ellipse, lathe, polygon, rect, rounded, spline, star, turned
from sample.parts import Form, Part


def vase(form: Form) -> list[Part]:
    """Draw a turned vase with a neck ring (accent)."""
    belly, neck = form.between(0, 0.18, 0.26), form.between(1, 0.06, 0.11)
    lip, foot = neck * form.between(2, 1.1, 1.8), belly * form.between(3, 0.4, 0.7)
    profile = {
        "slender": [(lip, 0.1), (neck, 0.24), (belly * 0.62, 0.62), (foot * 0.7, 0.9)],
        "round": [(lip, 0.2), (neck, 0.3), (belly * 1.2, 0.6), (foot, 0.88)],
        "flared": [(belly * 1.1, 0.12), (neck * 1.3, 0.45), (belly * 0.75, 0.68), (foot, 0.9)],
    }[form.variant]
    body = lathe(profile)
    ring = {"slender": 0.24, "round": 0.30, "flared": 0.45}[form.variant]
    half = neck * (1.45 if form.variant == "flared" else 1.12)
    return [
        Part(ellipse(0.5, profile[0][1], profile[0][0], 0.028), "plain", "flat", 0.5),
        Part(body, "main", "round"),
        Part(rounded(0.5 - half, ring - 0.025, 0.5 + half, ring + 0.025, 0.025), "accent", "round"),
    ]


def clock(form: Form) -> list[Part]:
    """Draw a clock: frame in the product's colour, hands in the accent."""
    if form.variant == "alarm":
        feet = [band([(0.5 + s * 0.16, 0.72), (0.5 + s * 0.24, 0.88)], 0.05) for s in (-1, 1)]
        bells = [ellipse(0.5 + s * 0.19, 0.22, form.between(0, 0.08, 0.11), 0.08) for s in (-1, 1)]
        extra = [Part(foot, "dark") for foot in feet] + [Part(bell, "accent", "ball") for bell in bells]
        frame, cy, size = ellipse(0.5, 0.53, 0.31), 0.53, 0.31
    elif form.variant == "square":
        frame, cy, size, extra = rounded(0.14, 0.14, 0.86, 0.86, form.between(0, 0.03, 0.14)), 0.5, 0.36, []
    else:
        frame, cy, size, extra = ellipse(0.5, 0.5, 0.38), 0.5, 0.38, []
    dial = size * form.between(1, 0.72, 0.86)
    parts = [*extra, Part(frame, "main", "ball"), Part(ellipse(0.5, cy, dial), "light", "ball")]
    for hour in range(0, 12, 1 if form.pick(2, 2) else 3):
        a = np.radians(30 * hour)
        tick = [(0.5 + dial * r * np.sin(a), cy - dial * r * np.cos(a)) for r in (0.82, 0.95)]
        parts.append(Part(band(tick, 0.018), "dark"))
    for draw, length, width in ((3, 0.5, 0.034), (4, 0.75, 0.022)):
        a = 2 * np.pi * form.between(draw, 0, 1)
        hand = band([(0.5, cy), (0.5 + dial * length * np.sin(a), cy - dial * length * np.cos(a))], width)
        parts.append(Part(hand, "accent"))
    return [*parts, Part(ellipse(0.5, cy, 0.025), "dark")]


def candle(form: Form) -> list[Part]:
    """Draw candles on a holder (accent) with a flame."""
    sticks = {"pillar": [(0.5, 0.15)], "taper": [(0.5, 0.055)], "twin": [(0.36, 0.085), (0.64, 0.085)]}[form.variant]
    top = form.between(0, 0.24, 0.36)
    parts = [Part(lathe([(0.3, 0.80), (0.32, 0.83), (form.between(1, 0.12, 0.26), 0.9)]), "accent", "round")]
    if form.variant == "taper":
        parts.append(Part(lathe([(0.1, 0.66), (0.05, 0.7), (0.05, 0.82)]), "accent", "round"))
    for number, (cx, half) in enumerate(sticks):
        head = top + number * form.between(2, 0.02, 0.14)
        foot = 0.68 if form.variant == "taper" else 0.82
        flame = lathe([(0.004, head - 0.15), (0.03, head - 0.07), (0.008, head - 0.01)], cx=cx)
        parts.append(Part(rounded(cx - half, head, cx + half, foot, 0.02), "main", "round"))
        parts += [Part(band([(cx, head - 0.04), (cx, head + 0.01)], 0.012), "dark"), Part(flame, "brass", "ball")]
    return parts


def frame(form: Form) -> list[Part]:
    """Draw a picture frame around a small landscape; the mount is the accent."""
    half_w, half_h = {"portrait": (0.28, 0.37), "landscape": (0.38, 0.28), "square": (0.34, 0.34)}[form.variant]
    edge, mount = form.between(0, 0.05, 0.09), form.between(1, 0.04, 0.09)

    def inset(by: float) -> Outline:
        return rect(0.5 - half_w + by, 0.5 - half_h + by, 0.5 + half_w - by, 0.5 + half_h - by)

    inner = inset(edge + mount)
    (left, up), (right, down) = inner[0], inner[2]
    peak = left + (right - left) * form.between(2, 0.25, 0.75)
    hill = polygon((left, down), (peak, up + (down - up) * 0.3), (right, down))
    sun = ellipse(left + (right - left) * form.between(3, 0.2, 0.8), up + (down - up) * 0.2, 0.045)
    return [
        Part(inset(0.0), "main", "down"),
        Part(inset(edge), "accent"),
        Part(inner, "glass", "down"),
        Part(sun, "brass"),
        Part(hill, "leaf", "down"),
    ]


def cushion(form: Form) -> list[Part]:
    """Draw a cushion: square, round or bolster, with piping (accent)."""
    if form.variant == "round":
        size = form.between(0, 0.33, 0.39)
        shapes = [ellipse(0.5, 0.5, size), ellipse(0.5, 0.5, size - 0.035)]
        return [
            Part(shapes[0], "accent", "ball"),
            Part(shapes[1], "main", "ball"),
            Part(ellipse(0.5, 0.5, 0.03), "accent", "ball"),
        ]
    w, h = (0.42, form.between(0, 0.2, 0.26)) if form.variant == "long" else (0.36, 0.36)
    sag = form.between(1, 0.02, 0.07)

    def pillow(s: float) -> Outline:
        x, y = w - s, h - s
        dents = [(-x, -y), (0, -y + sag), (x, -y), (x - sag, 0), (x, y), (0, y - sag), (-x, y), (-x + sag, 0)]
        return spline([(0.5 + a, 0.5 + b) for a, b in dents], closed=True)

    parts = [Part(pillow(0.0), "accent", "ball"), Part(pillow(0.03), "main", "ball")]
    if form.pick(2, 2):
        corners = [(0.5 + a * w, 0.5 + b * h) for a in (-1, 1) for b in (-1, 1)]
        parts = [Part(star(x, y, 0.07, 0.5, 7), "accent") for x, y in corners] + parts
    return parts


def plant(form: Form) -> list[Part]:
    """Draw a potted plant; the pot wears the colours, its rim the accent."""
    wide, top = form.between(0, 0.16, 0.23), 0.62
    pot = polygon((0.5 - wide, top), (0.5 + wide, top), (0.5 + wide * 0.7, 0.92), (0.5 - wide * 0.7, 0.92))
    rim = rounded(0.5 - wide * 1.12, top - 0.05, 0.5 + wide * 1.12, top + 0.02, 0.015)
    parts: list[Part] = []
    count = 5 + form.pick(1, 5)
    if form.variant == "cactus":
        tall = form.between(2, 0.2, 0.32)
        parts.append(Part(rounded(0.40, top - tall - 0.08, 0.60, top + 0.02, 0.1), "leaf", "round"))
        arm = arc((0.60, top - tall * 0.6), (0.13, 0.12), 100, -10)
        parts.insert(0, Part(band(arm, 0.075), "leaf", "round"))
        parts.append(Part(star(0.5, top - tall - 0.09, 0.05, 0.5, 6), "accent"))
    for leaf in range(0 if form.variant == "cactus" else count):
        angle = (leaf / (count - 1) - 0.5) * form.between(3, 110, 170)
        length = form.between(4 + leaf, 0.30, 0.46)
        fat = 0.035 if form.variant == "grassy" else 0.085
        blade = lathe([(0.002, top - length), (fat, top - length * 0.55), (0.012, top)])
        parts.append(Part(turned(blade, angle, (0.5, top)), "leaf", "down", 0.8 + 0.2 * (leaf % 2)))
    return [*parts, Part(pot, "main", "round"), Part(rim, "accent", "round")]
