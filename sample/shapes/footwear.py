"""Footwear: trainers, boots, high heels and sandals, seen from the side."""

from __future__ import annotations

from sample.geometry import band, ellipse, polygon, rect, rounded, spline
from sample.parts import Form, Part


def trainer(form: Form) -> list[Part]:
    """Draw a trainer: sole and stripes in the accent."""
    ankle = {"low": 0.40, "high-top": 0.22, "slip-on": 0.44}[form.variant] * form.between(0, 0.94, 1.06)
    sole = form.between(1, 0.05, 0.10)
    upper = spline(
        [
            (0.14, ankle + 0.02),
            (0.36, ankle),
            (0.48, 0.47),
            (0.70, 0.55),
            (0.88, 0.63),
            (0.90, 0.72),
            (0.12, 0.72),
            (0.11, 0.56),
        ],
        closed=True,
    )
    parts = [
        Part(upper, "main", "down"),
        Part(spline([(0.74, 0.58), (0.88, 0.63), (0.91, 0.72), (0.74, 0.72)], closed=True), "accent", "ball"),
    ]
    if form.variant != "slip-on":
        for lace in range(3 + form.pick(2, 3)):
            x, y = 0.42 + lace * 0.055, ankle + 0.07 + lace * (0.5 - ankle) * 0.23
            parts.append(Part(band([(x - 0.05, y + 0.05), (x + 0.03, y)], 0.02), "light"))
    for stripe in range(form.pick(3, 4)):
        x = 0.28 + stripe * 0.07
        parts.append(Part(band([(x, 0.70), (x + 0.06, 0.54)], 0.03), "accent"))
    parts.append(Part(rounded(0.10, 0.70, 0.92, 0.72 + sole, 0.04), "accent", "down"))
    return [*parts, Part(rounded(0.10, 0.70 + sole, 0.92, 0.74 + sole, 0.02), "dark")]


def boot(form: Form) -> list[Part]:
    """Draw a boot: ankle, knee-high or rain boot, with cuff and sole in the accent."""
    top = {"ankle": 0.34, "knee-high": 0.08, "rain": 0.16}[form.variant] * form.between(0, 0.9, 1.1)
    slim = form.between(1, 0.2, 0.25)
    shaft = [
        (0.26, top),
        (0.26 + slim, top),
        (0.27 + slim, 0.56),
        (0.66, 0.66),
        (0.80, 0.74),
        (0.80, 0.83),
        (0.24, 0.83),
        (0.27, 0.6),
    ]
    heel = form.between(2, 0.86, 0.93)
    parts = [
        Part(spline([shaft[0], shaft[1], shaft[2], *shaft[3:]], closed=True, steps=6), "main", "round"),
        Part(rounded(0.245, top - 0.03, 0.275 + slim, top + form.between(3, 0.04, 0.1), 0.02), "accent", "round"),
        Part(rounded(0.23, 0.82, 0.81, 0.87, 0.02), "accent", "down"),
        Part(rect(0.23, 0.85, 0.40, heel), "accent", "down", 0.85),
    ]
    if form.variant == "ankle":
        parts += [Part(band([(0.42, y), (0.50, y + 0.02)], 0.018), "light") for y in (0.46, 0.52, 0.58)]
    return parts


def heel(form: Form) -> list[Part]:
    """Draw a high-heeled shoe; heel and bow are the accent."""
    lift = form.between(0, 0.22, 0.34)
    back = 0.84 - lift
    open_toe = form.variant == "open-toe"
    sole = spline([(0.14, back), (0.32, back + lift * 0.35), (0.60, 0.80), (0.88, 0.83)])
    tip = 0.80 if form.variant == "pointed" else 0.74
    upper = spline(
        [
            (0.13, back - 0.12),
            (0.24, back - 0.03),
            (0.45, 0.66),
            (0.64, 0.66 + 0.04 * open_toe),
            (0.80, tip),
            (0.90, 0.83),
            (0.60, 0.82),
            (0.32, back + lift * 0.42),
            (0.14, back + 0.03),
        ],
        closed=True,
    )
    thick = {"pointed": 0.03, "block": 0.10, "open-toe": 0.05}[form.variant]
    stem = polygon((0.13, back), (0.24, back + 0.06), (0.16 + thick, 0.88), (0.15, 0.88))
    parts = [Part(stem, "accent", "round"), Part(upper, "main", "down"), Part(band(sole, 0.03), "accent")]
    if open_toe:
        parts.append(Part(ellipse(0.83, 0.79, 0.05, 0.032), "light", "flat", 0.8))
    if form.pick(1, 2):
        parts += [Part(ellipse(0.68 + s * 0.035, 0.68, 0.04, 0.028), "accent", "ball") for s in (-1, 1)]
    return parts


def sandal(form: Form) -> list[Part]:
    """Draw a pair of sandals from above; straps wear the colours, soles are the accent."""
    wide = form.between(0, 0.11, 0.14)
    parts: list[Part] = []
    for cx, lean in ((0.31, 1), (0.69, -1)):
        foot = [
            (cx - wide * 0.8, 0.86),
            (cx - wide * 0.7, 0.55),
            (cx - wide * 1.05, 0.28),
            (cx + lean * 0.02, 0.10),
            (cx + wide * 1.05, 0.28),
            (cx + wide * 0.7, 0.55),
            (cx + wide * 0.8, 0.86),
            (cx, 0.93),
        ]
        parts.append(Part(spline(foot, closed=True), "accent", "ball"))
        if form.variant == "flip-flop":
            straps = [[(cx, 0.24), (cx - wide, 0.48)], [(cx, 0.24), (cx + wide, 0.48)]]
            parts += [Part(band(strap, form.between(1, 0.04, 0.07)), "main", "round") for strap in straps]
            continue
        rows = (0.32,) if form.variant == "slide" else (0.26, 0.42, 0.70)
        tall = form.between(1, 0.16, 0.24) if form.variant == "slide" else form.between(1, 0.05, 0.08)
        parts += [Part(rounded(cx - wide * 1.12, y, cx + wide * 1.12, y + tall, 0.02), "main", "round") for y in rows]
    return parts
