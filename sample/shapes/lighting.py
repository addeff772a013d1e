"""Lighting: table lamps, floor lamps, pendant lamps and lanterns."""

from __future__ import annotations

from sample.geometry import Outline, arc, band, ellipse, lathe, polygon, rect, rounded
from sample.parts import Form, Part


def _shade(form: Form, top: float, bottom: float, wide: float) -> Outline:
    if form.variant == "domed":
        return lathe([(0.03, top), (wide * 0.75, top + (bottom - top) * 0.35), (wide, bottom)])
    slim = {"conical": 0.35, "drum-shaded": 0.95}[form.variant]
    return polygon((0.5 - wide * slim, top), (0.5 + wide * slim, top), (0.5 + wide, bottom), (0.5 - wide, bottom))


def table_lamp(form: Form) -> list[Part]:
    """Draw a table lamp: the shade is the product's colour, the base the accent."""
    wide, fat = form.between(0, 0.24, 0.32), form.between(1, 0.05, 0.14)
    bottom = form.between(2, 0.42, 0.5)
    profiles = (
        [(0.03, bottom - 0.02), (fat, 0.68), (fat * 0.6, 0.82), (0.17, 0.9)],
        [(0.025, bottom - 0.02), (0.025, 0.84), (0.18, 0.88), (0.18, 0.9)],
        [(0.03, bottom - 0.02), (fat * 1.2, 0.58), (0.04, 0.7), (fat * 1.2, 0.8), (0.16, 0.9)],
    )
    base = lathe(profiles[form.pick(3, 3)])
    return [Part(base, "accent", "round"), Part(_shade(form, 0.12, bottom, wide), "main", "round")]


def floor_lamp(form: Form) -> list[Part]:
    """Draw a floor lamp on a pole or three legs (accent)."""
    wide, bottom = form.between(0, 0.15, 0.22), form.between(1, 0.26, 0.32)
    if form.pick(2, 2):
        joint = form.between(3, 0.5, 0.7)
        legs = [band([(0.5, joint), (0.5 + s, 0.94)], 0.025) for s in (-0.2, 0.0, 0.2)]
        stand = [Part(leg, "accent", "round") for leg in legs]
    else:
        stand = [Part(lathe([(0.04, 0.89), (0.17, 0.92), (0.17, 0.94)]), "accent", "round")]
    pole = Part(rect(0.487, bottom, 0.513, 0.92), "accent", "round")
    return [*stand, pole, Part(_shade(form, 0.06, bottom, wide), "main", "round")]


def pendant(form: Form) -> list[Part]:
    """Draw a pendant lamp: cord, cap (accent), shade and bulb."""
    top, bottom = form.between(0, 0.34, 0.44), form.between(1, 0.68, 0.82)
    wide = form.between(2, 0.26, 0.38)
    return [
        Part(rect(0.492, 0.04, 0.508, top), "dark"),
        Part(ellipse(0.5, bottom, 0.07), "brass", "ball"),
        Part(_shade(form, top, bottom, wide), "main", "round"),
        Part(rounded(0.45, top - form.between(3, 0.06, 0.12), 0.55, top + 0.01, 0.03), "accent", "round"),
    ]


def lantern(form: Form) -> list[Part]:
    """Draw a lantern with glass panes, a candle inside and a roof in the product's colour."""
    half = {"square": 0.24, "tall": 0.17, "round": 0.23}[form.variant] * form.between(0, 0.9, 1.1)
    top = {"square": 0.38, "tall": 0.3, "round": 0.38}[form.variant]
    radius = 0.2 if form.variant == "round" else 0.01
    ring = band(arc((0.5, top - 0.18), (0.1, 0.09), 0, 360), 0.025)
    parts = [
        Part(ring, "accent"),
        Part(rounded(0.5 - half, top, 0.5 + half, 0.86, radius), "glass", "down"),
        Part(rounded(0.44, form.between(1, 0.6, 0.7), 0.56, 0.84, 0.01), "light", "round"),
        Part(lathe([(0.004, 0.5), (0.03, 0.57), (0.008, 0.62)]), "brass", "ball"),
    ]
    bars = (-1.0, 0.0, 1.0) if form.pick(2, 2) else (-1.0, 1.0)
    parts += [Part(rect(0.5 + s * half - 0.016, top, 0.5 + s * half + 0.016, 0.86), "main", "round") for s in bars]
    roof = polygon(
        (0.5 - half * 0.3, top - 0.13), (0.5 + half * 0.3, top - 0.13), (0.5 + half * 1.2, top), (0.5 - half * 1.2, top)
    )
    return [
        *parts,
        Part(roof, "main", "round"),
        Part(rounded(0.5 - half * 1.15, 0.84, 0.5 + half * 1.15, 0.9, 0.02), "main", "round"),
    ]
