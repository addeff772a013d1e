"""Accessories: hats, caps, backpacks, handbags, umbrellas, sunglasses and watches."""

from __future__ import annotations

import itertools

import numpy as np

from sample.geometry import arc, band, ellipse, lathe, polygon, rect, rounded, spline
from sample.parts import Form, Part


def hat(form: Form) -> list[Part]:
    """Draw a hat with a brim and a ribbon (accent)."""
    brim = {"wide-brim": 0.44, "bucket": 0.31, "top": 0.33}[form.variant] * form.between(0, 0.95, 1.02)
    crown, top = form.between(1, 0.18, 0.23), {"wide-brim": 0.36, "bucket": 0.32, "top": 0.16}[form.variant]
    flare = 1.08 if form.variant == "top" else form.between(2, 0.7, 0.95)
    base = 0.66
    if form.variant == "bucket":
        skirt = polygon(
            (0.5 - crown, base - 0.06), (0.5 + crown, base - 0.06), (0.5 + brim, base + 0.12), (0.5 - brim, base + 0.12)
        )
        rim = Part(skirt, "main", "down", 0.9)
    else:
        rim = Part(ellipse(0.5, base, brim, form.between(3, 0.07, 0.11)), "main", "down")
    body = lathe(
        [(crown * flare * 0.7, top), (crown * flare, top + 0.04), (crown, base - 0.02), (crown * 0.98, base + 0.02)]
    )
    ribbon = rect(0.5 - crown * 1.01, base - form.between(4, 0.08, 0.13), 0.5 + crown * 1.01, base)
    return [rim, Part(body, "main", "round"), Part(ribbon, "accent", "round")]


def cap(form: Form) -> list[Part]:
    """Draw a cap: baseball cap with a peak, or a beanie with a bobble (accent)."""
    if form.variant == "beanie":
        high = form.between(0, 0.24, 0.32)
        dome = arc((0.5, 0.66), (0.27, 0.66 - high), 180, 360)
        bobble = Part(ellipse(0.5, high - 0.03, form.between(1, 0.06, 0.1)), "accent", "ball")
        return [
            bobble,
            Part(dome, "main", "ball"),
            Part(rounded(0.21, 0.60, 0.79, 0.60 + form.between(2, 0.12, 0.18), 0.04), "accent", "round"),
        ]
    flat = form.variant == "flat-peak"
    dome = arc((0.42, 0.62), (0.28, form.between(0, 0.3, 0.38)), 180, 360)
    peak = (
        polygon((0.5, 0.60), (0.94, 0.58), (0.94, 0.64), (0.5, 0.66))
        if flat
        else spline([(0.46, 0.60), (0.78, 0.57), (0.95, 0.68), (0.74, 0.66), (0.46, 0.67)], closed=True)
    )
    parts = [
        Part(dome, "main", "ball"),
        Part(peak, "accent", "down"),
        Part(ellipse(0.42, 0.62 - form.between(0, 0.3, 0.38), 0.025), "accent", "ball"),
    ]
    return (
        [*parts, Part(ellipse(0.47, 0.46, form.between(1, 0.03, 0.07)), "accent", "flat")] if form.pick(2, 2) else parts
    )


def backpack(form: Form) -> list[Part]:
    """Draw a backpack: pocket, flap or roll top in the accent."""
    half, top = form.between(0, 0.24, 0.3), form.between(1, 0.18, 0.24)
    loop = band(arc((0.5, top + 0.01), (0.09, 0.09), 180, 360), 0.03)
    parts = [
        Part(rounded(0.5 + s * half - 0.05, 0.5, 0.5 + s * half + 0.05, 0.8, 0.04), "plain", "round", 0.8)
        for s in (-1, 1)
    ]
    parts += [
        Part(loop, "dark"),
        Part(rounded(0.5 - half, top, 0.5 + half, 0.90, form.between(2, 0.08, 0.2)), "main", "round"),
    ]
    pocket = rounded(0.5 - half * 0.75, form.between(3, 0.56, 0.64), 0.5 + half * 0.75, 0.84, 0.05)
    parts.append(Part(pocket, "accent", "down"))
    if form.variant == "flap":
        flap = spline(
            [
                (0.5 - half, top + 0.05),
                (0.5 + half, top + 0.05),
                (0.5 + half * 0.95, 0.46),
                (0.5, 0.5),
                (0.5 - half * 0.95, 0.46),
            ],
            closed=True,
        )
        parts += [Part(flap, "main", "down", 0.9), Part(rect(0.47, 0.44, 0.53, 0.56), "brass")]
    elif form.variant == "roll-top":
        parts.append(
            Part(rounded(0.5 - half * 1.05, top - 0.06, 0.5 + half * 1.05, top + 0.06, 0.06), "accent", "down")
        )
    else:
        parts.append(Part(band(arc((0.5, top + 0.22), (half * 0.8, 0.12), 190, 350), 0.014), "dark"))
    return parts


def handbag(form: Form) -> list[Part]:
    """Draw a handbag: tote, satchel or bucket bag; handle and clasp in the accent."""
    half = form.between(0, 0.28, 0.36)
    top = {"tote": 0.40, "satchel": 0.48, "bucket": 0.42}[form.variant]
    slope = {"tote": 1.0, "satchel": 1.08, "bucket": 0.72}[form.variant]
    high = form.between(1, 0.2, 0.3)
    straps = [Part(band(arc((0.5, top + 0.03), (half * form.between(2, 0.45, 0.7), high), 180, 360), 0.035), "accent")]
    body = polygon(
        (0.5 - half * 0.92, top), (0.5 + half * 0.92, top), (0.5 + half * slope, 0.88), (0.5 - half * slope, 0.88)
    )
    parts = [*straps, Part(body, "main", "cloth")]
    if form.variant == "satchel":
        flap = spline(
            [
                (0.5 - half * 0.95, top - 0.01),
                (0.5 + half * 0.95, top - 0.01),
                (0.5 + half * 0.8, 0.66),
                (0.5, 0.70),
                (0.5 - half * 0.8, 0.66),
            ],
            closed=True,
        )
        parts.append(Part(flap, "main", "down", 0.88))
        parts.append(Part(rounded(0.45, 0.64, 0.55, 0.74, 0.02), "accent", "ball"))
    elif form.variant == "bucket":
        parts.append(Part(rect(0.5 - half * 0.9, top + 0.04, 0.5 + half * 0.9, top + 0.08), "accent", "round"))
    else:
        parts.append(
            Part(rect(0.5 - half * 0.97, 0.88 - form.between(3, 0.08, 0.16), 0.5 + half, 0.88), "accent", "cloth")
        )
    return parts


def umbrella(form: Form) -> list[Part]:
    """Draw an open umbrella; handle and tip are the accent."""
    top, wide = form.between(0, 0.14, 0.22), {"dome": 0.36, "classic": 0.42, "parasol": 0.43}[form.variant]
    rim, ribs = {"dome": 0.60, "classic": 0.50, "parasol": 0.42}[form.variant], 4 + form.pick(1, 3)
    crook = arc((0.5 + 0.06, 0.86), (0.06, 0.06), 180, 0, 16)
    shaft = np.concatenate([[(0.5, top)], crook]) if form.variant != "parasol" else [(0.5, top), (0.5, 0.94)]
    canopy = arc((0.5, rim), (wide, rim - top), 180, 360, 40)
    xs = np.linspace(0.5 + wide, 0.5 - wide, ribs + 1)
    scallops = [
        arc(((a + b) / 2, rim), ((a - b) / 2, form.between(2, 0.02, 0.05)), 0, -180, 8)
        for a, b in itertools.pairwise(xs)
    ]
    cover = np.concatenate([canopy, *scallops])
    parts = [
        Part(band(shaft, 0.026), "accent"),
        Part(cover, "main", "ball"),
        Part(rect(0.49, top - 0.06, 0.51, top + 0.01), "accent"),
    ]
    for x in xs[1:-1]:
        rib = spline([(0.5, top), (0.5 + (float(x) - 0.5) * 0.75, top + (rim - top) * 0.45), (float(x), rim)])
        parts.append(Part(band(rib, 0.006), "plain", "flat", 0.6))
    return parts


def sunglasses(form: Form) -> list[Part]:
    """Draw sunglasses: frame in the product's colour, lenses in the accent."""
    wide, high = form.between(0, 0.15, 0.18), form.between(1, 0.10, 0.16)
    parts = [Part(band([(0.5 + s * 0.40, 0.46), (0.5 + s * 0.44, 0.34)], 0.03), "plain", "flat", 0.8) for s in (-1, 1)]
    parts.append(Part(band(arc((0.5, 0.49), (0.08, 0.05), 200, 340), 0.028), "plain"))
    for side in (-1, 1):
        cx = 0.5 + side * 0.215
        if form.variant == "round":
            rims = [ellipse(cx, 0.5, size) for size in (wide * 0.98, wide * 0.78)]
        elif form.variant == "square":
            rims = [rounded(cx - wide * s, 0.5 - high * s, cx + wide * s, 0.5 + high * s, 0.04) for s in (1.08, 0.82)]
        else:
            tip = 0.07
            rims = [
                spline(
                    [
                        (cx - side * wide * s, 0.5 - high * s * 0.6),
                        (cx + side * (wide + tip) * s, 0.5 - high * s - 0.02),
                        (cx + side * wide * s * 0.7, 0.5 + high * s),
                        (cx - side * wide * s * 0.8, 0.5 + high * s * 0.7),
                    ],
                    closed=True,
                )
                for s in (1.05, 0.8)
            ]
        parts += [Part(rims[0], "main", "down"), Part(rims[1], "accent", "ball")]
    return parts


def watch(form: Form) -> list[Part]:
    """Draw a wrist watch: strap in the product's colour, dial in the accent."""
    strap = form.between(0, 0.10, 0.14)
    body = form.between(1, 0.20, 0.25)
    parts = [Part(lathe([(strap * 0.85, 0.05), (strap, 0.35), (strap, 0.65), (strap * 0.85, 0.95)]), "main", "round")]
    parts += [Part(ellipse(0.5, y, 0.012), "dark") for y in (0.84, 0.89)] + [
        Part(rounded(0.5 + body - 0.01, 0.46, 0.5 + body + 0.05, 0.54, 0.02), "steel")
    ]
    if form.variant == "round":
        parts += [
            Part(ellipse(0.5, 0.5, body), "steel", "ball"),
            Part(ellipse(0.5, 0.5, body * 0.82), "accent", "ball"),
        ]
    else:
        tall = 1.0 if form.variant == "square" else 1.3
        for size, paint in ((1.0, "steel"), (0.82, "accent")):
            w, h = body * size * 0.92, body * size * 0.92 * tall
            parts.append(Part(rounded(0.5 - w, 0.5 - h, 0.5 + w, 0.5 + h, 0.06), paint, "ball"))  # type: ignore[arg-type]
    for draw, length in ((2, 0.42), (3, 0.62)):
        a = 2 * np.pi * form.between(draw, 0, 1)
        hand = [(0.5, 0.5), (0.5 + body * length * float(np.sin(a)), 0.5 - body * length * float(np.cos(a)))]
        parts.append(Part(band(hand, 0.02), "light"))
    return parts
