"""Leisure: guitars, balls, kites, teddy bears, drums, books and towels."""

from __future__ import annotations

import numpy as np

from sample.geometry import arc, band, ellipse, lathe, polygon, rect, rounded, spline, star, turned
from sample.parts import Form, Part


def guitar(form: Form) -> list[Part]:
    """Draw a guitar, slightly turned: body in the product's colour, pick guard in the accent."""
    upper, lower = form.between(0, 0.13, 0.17), form.between(1, 0.2, 0.25)
    body = lathe([(0.02, 0.44), (upper, 0.52), (upper * 0.8, 0.62), (lower, 0.78), (lower * 0.6, 0.92), (0.0, 0.94)])
    if form.variant == "electric":
        body = spline(
            [
                (0.44, 0.56),
                (0.34, 0.44),
                (0.32, 0.62),
                (0.5 - lower, 0.82),
                (0.5, 0.94),
                (0.5 + lower, 0.84),
                (0.64, 0.66),
                (0.68, 0.42),
                (0.56, 0.56),
            ],
            closed=True,
        )
    parts = [Part(body, "main", "ball"), Part(rect(0.472, 0.16, 0.528, 0.66), "wood", "round")]
    parts.append(Part(polygon((0.455, 0.05), (0.545, 0.05), (0.53, 0.17), (0.47, 0.17)), "accent", "down"))
    parts += [Part(rect(0.472, y, 0.528, y + 0.008), "steel") for y in np.arange(0.2, 0.5, 0.05)]
    if form.variant == "electric":
        parts += [
            Part(spline([(0.54, 0.62), (0.64, 0.7), (0.58, 0.86), (0.5, 0.8)], closed=True), "accent"),
            Part(rect(0.43, 0.70, 0.57, 0.73), "dark"),
            Part(rect(0.43, 0.78, 0.57, 0.81), "dark"),
        ]
    else:
        parts += [
            Part(ellipse(0.5, 0.67, form.between(2, 0.06, 0.08)), "accent"),
            Part(ellipse(0.5, 0.67, 0.05), "dark"),
            Part(rect(0.42, 0.82, 0.58, 0.85), "dark"),
        ]
    angle = form.between(3, 12, 28) if form.variant != "upright" else 0.0
    return [Part(turned(p.outline, angle), p.paint, p.shade, p.tone) for p in parts]


def ball(form: Form) -> list[Part]:
    """Draw a ball: beach segments, football patches, or a basketball's seams (accent)."""
    size, tilt = form.between(0, 0.34, 0.40), form.between(1, -40, 40)
    parts = [Part(ellipse(0.5, 0.5, size), "main", "ball")]
    if form.variant == "beach":
        for start in (0, 120, 240):
            wedge = np.concatenate(
                [[(0.5, 0.5 - size * 0.2)], arc((0.5, 0.5), (size, size), start + tilt, start + tilt + 60, 12)]
            )
            parts.append(Part(wedge, "accent", "down"))
        return [*parts, Part(ellipse(0.5, 0.5 - size * 0.2, 0.05), "light")]
    if form.variant == "football":
        spots = [(0.0, 0.0)] + [(0.68 * np.cos(a), 0.68 * np.sin(a)) for a in np.radians(tilt + 72.0 * np.arange(5))]
        for number, (x, y) in enumerate(spots):
            patch = star(0.5 + float(x) * size, 0.5 + float(y) * size, size * (0.30 if number == 0 else 0.24), 0.81)
            parts.append(Part(turned(patch, tilt), "accent", "ball"))
        return parts
    sides = (((0.5 + size * 1.15, 0.5), 120, 240), ((0.5 - size * 1.15, 0.5), -60, 60))
    lines = [band([(0.5 - size, 0.5), (0.5 + size, 0.5)], 0.022), band([(0.5, 0.5 - size), (0.5, 0.5 + size)], 0.022)]
    lines += [band(arc(centre, (size * 0.7, size * 0.85), start, stop), 0.022) for centre, start, stop in sides]
    return [*parts, *(Part(turned(line, tilt), "accent") for line in lines)]


def kite(form: Form) -> list[Part]:
    """Draw a kite with a tail of bows (accent)."""
    wide, middle = form.between(0, 0.24, 0.32), form.between(1, 0.24, 0.34)
    if form.variant == "delta":
        sail = polygon((0.5, 0.1), (0.5 + wide * 1.3, 0.52), (0.5, 0.46), (0.5 - wide * 1.3, 0.52))
        bottom = 0.46
    else:
        bottom = 0.62
        half = wide if form.variant == "diamond" else wide * 0.8
        sail = polygon((0.5, 0.08), (0.5 + half, middle), (0.5, bottom), (0.5 - half, middle))
        if form.variant == "box":
            sail = rect(0.5 - half, 0.08, 0.5 + half, bottom - 0.06)
    sway = form.between(2, 0.05, 0.12)
    tail = spline([(0.5, bottom - 0.05), (0.5 + sway, 0.72), (0.5 - sway, 0.82), (0.5 + sway, 0.94)])
    parts = [Part(band(tail, 0.012), "dark")]
    for number, at in enumerate((8, 15, 22, 28)[: 2 + form.pick(3, 3)]):
        x, y = (float(v) for v in tail[at])
        parts += [
            Part(ellipse(x + s * 0.04, y, 0.045, 0.025), "accent", "ball", 1.0 - 0.06 * (number % 2)) for s in (-1, 1)
        ]
    cross = [band([(0.5, 0.08), (0.5, bottom - 0.06)], 0.02)]
    if form.variant == "diamond":
        cross.append(band([(0.5 - wide, middle), (0.5 + wide, middle)], 0.02))
    return [*parts, Part(sail, "main", "down"), *(Part(line, "accent") for line in cross)]


def teddy(form: Form) -> list[Part]:
    """Draw a plush animal: bear, rabbit or cat; belly, muzzle and paws in the accent."""
    head, body = form.between(0, 0.16, 0.2), form.between(1, 0.18, 0.22)
    parts: list[Part] = []
    for s in (-1, 1):
        if form.variant == "rabbit":
            ear = turned(ellipse(0.5 + s * 0.08, 0.14, 0.05, 0.13), s * form.between(2, 2, 20), (0.5, 0.3))
        elif form.variant == "cat":
            ear = polygon((0.5 + s * 0.02, 0.2), (0.5 + s * 0.16, 0.08), (0.5 + s * 0.18, 0.27))
        else:
            ear = ellipse(0.5 + s * head * 0.85, 0.18, form.between(2, 0.05, 0.08))
        parts.append(Part(ear, "main", "ball"))
        parts += [
            Part(ellipse(0.5 + s * 0.15, 0.86, 0.09, 0.07), "main", "ball"),
            Part(ellipse(0.5 + s * 0.16, 0.87, 0.05, 0.04), "accent", "ball"),
        ]
        parts.append(
            Part(
                turned(ellipse(0.5 + s * body, 0.58, 0.06, 0.13), -s * form.between(3, 20, 60), (0.5 + s * body, 0.5)),
                "main",
                "ball",
            )
        )
    parts += [
        Part(ellipse(0.5, 0.68, body, 0.22), "main", "ball"),
        Part(ellipse(0.5, 0.70, body * 0.6, 0.13), "accent", "ball"),
    ]
    parts += [
        Part(ellipse(0.5, 0.32, head, head * 0.92), "main", "ball"),
        Part(ellipse(0.5, 0.38, head * 0.45, head * 0.34), "accent", "ball"),
    ]
    parts += [Part(ellipse(0.5 + s * head * 0.38, 0.29, 0.02), "dark") for s in (-1, 1)]
    return [*parts, Part(ellipse(0.5, 0.355, 0.026, 0.02), "dark", "ball")]


def drum(form: Form) -> list[Part]:
    """Draw a drum: hoops and ropes in the accent."""
    half, top = (
        {"snare": 0.36, "tall": 0.22, "hand": 0.28}[form.variant] * form.between(0, 0.94, 1.06),
        {"snare": 0.42, "tall": 0.2, "hand": 0.3}[form.variant],
    )
    foot = half * (0.7 if form.variant == "hand" else 1.0)
    bottom = {"snare": 0.72, "tall": 0.86, "hand": 0.84}[form.variant]
    shell = polygon(
        (0.5 - half, top), (0.5 + half, top), (0.5 + foot, bottom), (0.5, bottom + 0.05), (0.5 - foot, bottom)
    )
    parts = [Part(shell, "main", "round")]
    count = 4 + form.pick(1, 3)
    for rope in range(count):
        a, b = -1 + 2 * rope / count, -1 + 2 * (rope + 1) / count
        zig = [(0.5 + a * half, top + 0.03), (0.5 + (a + b) / 2 * foot, bottom), (0.5 + b * half, top + 0.03)]
        parts.append(Part(band(zig, 0.014), "accent"))
    parts += [
        Part(rounded(0.5 - foot * 1.03, bottom - 0.02, 0.5 + foot * 1.03, bottom + 0.04, 0.02), "accent", "round")
    ]
    parts += [
        Part(ellipse(0.5, top + 0.02, half * 1.04, 0.085), "accent", "round"),
        Part(ellipse(0.5, top, half * 0.98, 0.072), "light", "down"),
    ]
    if form.pick(2, 2):
        parts += [
            Part(band([(0.3, top - 0.16), (0.62, top)], 0.022), "wood"),
            Part(band([(0.72, top - 0.18), (0.44, top + 0.01)], 0.022), "wood"),
        ]
    return parts


def book(form: Form) -> list[Part]:
    """Draw a book: cover, spine (accent) and a title plate."""
    half, high = {"thick": (0.26, 0.36), "pocket": (0.2, 0.29), "square": (0.31, 0.3)}[form.variant]
    depth = {"thick": 0.08, "pocket": 0.035, "square": 0.025}[form.variant] * form.between(0, 0.8, 1.3)
    spine = form.between(1, 0.04, 0.09)
    pages = rounded(0.5 - half + depth, 0.5 - high + depth, 0.5 + half + depth, 0.5 + high + depth, 0.01)
    cover = rounded(0.5 - half, 0.5 - high, 0.5 + half, 0.5 + high, 0.015)
    parts = [Part(pages, "light", "flat", 0.9), Part(cover, "main", "down")]
    parts.append(Part(rect(0.5 - half, 0.5 - high, 0.5 - half + spine, 0.5 + high), "accent", "round"))
    plate_y = form.between(2, 0.28, 0.5)
    parts.append(Part(rounded(0.5 - half * 0.5, plate_y, 0.5 + half * 0.75, plate_y + 0.16, 0.01), "light"))
    for row in range(1 + form.pick(3, 3)):
        parts.append(
            Part(
                rect(
                    0.5 - half * 0.35,
                    plate_y + 0.035 + 0.04 * row,
                    0.5 + half * (0.6 - 0.2 * row),
                    plate_y + 0.05 + 0.04 * row,
                ),
                "dark",
            )
        )
    return parts


def towel(form: Form) -> list[Part]:
    """Draw a towel: hanging, folded or rolled; the borders are the accent."""
    if form.variant == "folded":
        wide = form.between(0, 0.32, 0.4)
        parts = []
        for layer in range(2 + form.pick(1, 3)):
            bottom = 0.82 - layer * 0.13
            parts += [
                Part(rounded(0.5 - wide, bottom - 0.13, 0.5 + wide, bottom, 0.06), "main", "cloth"),
                Part(rect(0.5 + wide * 0.5, bottom - 0.128, 0.5 + wide * 0.62, bottom - 0.002), "accent", "cloth"),
            ]
        return parts
    if form.variant == "rolled":
        size = form.between(0, 0.15, 0.2)
        roll = polygon((0.3, 0.55 - size), (0.8, 0.55 - size), (0.8, 0.55 + size), (0.3, 0.55 + size))
        coil = [ellipse(0.3, 0.55, size * 0.6 * s, size * s) for s in (1.0, 0.68, 0.36)]
        strip = rect(0.58, 0.55 - size, 0.58 + form.between(1, 0.05, 0.1), 0.55 + size)
        rings = [
            Part(coil[0], "plain", "flat", 0.9),
            Part(coil[1], "accent", "flat"),
            Part(coil[2], "plain", "flat", 0.8),
        ]
        return [
            Part(roll, "main", "down"),
            Part(ellipse(0.8, 0.55, size * 0.5, size), "main", "flat", 0.8),
            Part(strip, "accent", "down"),
            *rings,
        ]
    wide, end = form.between(0, 0.22, 0.3), form.between(1, 0.82, 0.92)
    parts = [
        Part(rounded(0.08, 0.10, 0.92, 0.14, 0.02), "steel", "down"),
        Part(rect(0.5 - wide, 0.09, 0.5 + wide, end), "main", "cloth"),
    ]
    border = form.between(2, 0.03, 0.07)
    return [
        *parts,
        *(
            Part(rect(0.5 - wide, y, 0.5 + wide, y + border), "accent", "cloth")
            for y in (end - 0.14, end - 0.14 - border * 1.8)[: 1 + form.pick(3, 2)]
        ),
    ]
