"""Clothing: T-shirts, jumpers, dresses, skirts, trousers, scarves and socks."""

from __future__ import annotations

from sample.geometry import Outline, arc, band, ellipse, mirrored, polygon, rect, rounded, spline
from sample.parts import Form, Part


def _both(outline: Outline, paint: str = "main", shade: str = "cloth", tone: float = 1.0) -> list[Part]:
    return [Part(side, paint, shade, tone) for side in (outline, mirrored(outline))]  # type: ignore[arg-type]


def _top(form: Form, reach: float, cuff: float) -> list[Part]:
    """Draw a body with two sleeves ending at ``reach`` (x) and ``cuff`` (y)."""
    half, hem = form.between(0, 0.21, 0.25), form.between(1, 0.8, 0.9)
    wide = form.between(2, 0.10, 0.14)
    sleeve = polygon(
        (0.5 + half * 0.75, 0.17), (0.5 + reach, cuff), (0.5 + reach - wide, cuff + 0.06), (0.5 + half - 0.01, 0.38)
    )
    trim = band([(0.5 + reach, cuff), (0.5 + reach - wide, cuff + 0.06)], 0.035)
    body = polygon(
        (0.40, 0.14), (0.60, 0.14), (0.5 + half, 0.20), (0.5 + half, hem), (0.5 - half, hem), (0.5 - half, 0.20)
    )
    return [*_both(sleeve, tone=0.93), *_both(trim, "accent"), Part(body, "main", "cloth")]


def _neck(form: Form, *, deep: float) -> list[Part]:
    v_shaped = form.variant == "V-neck"
    line = (
        [(0.40, 0.14), (0.5, deep + 0.06), (0.60, 0.14)] if v_shaped else arc((0.5, 0.135), (0.10, deep - 0.12), 180, 0)
    )
    hole = polygon(*[(float(x), float(y)) for x, y in line])
    return [Part(hole, "plain", "flat", 0.45), Part(band(line, 0.03), "accent")]


def t_shirt(form: Form) -> list[Part]:
    """Draw a T-shirt with a collar and cuffs (accent)."""
    parts = [
        *_top(form, form.between(3, 0.36, 0.42), form.between(4, 0.32, 0.38)),
        *_neck(form, deep=form.between(5, 0.18, 0.24)),
    ]
    if form.variant == "pocket":
        parts.append(Part(rounded(0.54, 0.33, 0.66, 0.46, 0.02), "accent", "down"))
    return parts


def jumper(form: Form) -> list[Part]:
    """Draw a jumper: long sleeves, ribbed hem (accent), neck by variant."""
    parts = _top(form, form.between(3, 0.38, 0.43), form.between(4, 0.66, 0.76))
    half, hem = form.between(0, 0.21, 0.25), form.between(1, 0.8, 0.9)
    parts.append(Part(rect(0.5 - half, hem - 0.06, 0.5 + half, hem), "accent", "cloth"))
    if form.variant == "roll-neck":
        return [*parts, Part(rounded(0.40, 0.07, 0.60, 0.17, 0.02), "accent", "round")]
    if form.variant == "button-up":
        parts.append(Part(rect(0.485, 0.2, 0.515, hem), "accent"))
        parts += [Part(ellipse(0.5, 0.3 + 0.13 * row, 0.017), "light", "ball") for row in range(4)]
    return [*parts, *_neck(form, deep=0.22)]


def dress(form: Form) -> list[Part]:
    """Draw a dress: short, long or sleeveless with straps; the belt is the accent."""
    hem, waist = {"short": 0.72, "long": 0.94, "strappy": 0.82}[form.variant], form.between(0, 0.40, 0.46)
    slim, wide = form.between(1, 0.10, 0.14), form.between(2, 0.22, 0.34)
    skirt = spline([(0.5 + slim, waist), (0.5 + wide * 0.7, (waist + hem) / 2), (0.5 + wide, hem)])
    bottom = arc((0.5, hem - 0.01), (wide, 0.03), 0, 180, 12)
    skirt = polygon(*[(float(x), float(y)) for x, y in (*skirt, *bottom, *mirrored(skirt)[::-1])])
    bust = slim + 0.04
    top = 0.2 if form.variant == "strappy" else 0.12
    body = polygon(
        (0.42, top),
        (0.46, top + 0.06),
        (0.54, top + 0.06),
        (0.58, top),
        (0.5 + bust, top + 0.1),
        (0.5 + slim, waist),
        (0.5 - slim, waist),
        (0.5 - bust, top + 0.1),
    )
    parts = [Part(skirt, "main", "cloth"), Part(body, "main", "cloth")]
    if form.variant == "strappy":
        parts = _both(band([(0.57, 0.22), (0.56, 0.06)], 0.022), "accent") + parts
    else:
        sleeve = polygon(
            (0.57, 0.12),
            (0.5 + bust + form.between(3, 0.06, 0.14), 0.26),
            (0.5 + bust + 0.02, 0.31),
            (0.5 + bust - 0.02, 0.2),
        )
        parts = _both(sleeve, tone=0.9) + parts
    return [
        *parts,
        Part(rounded(0.5 - slim - 0.008, waist - 0.025, 0.5 + slim + 0.008, waist + 0.025, 0.01), "accent", "round"),
    ]


def skirt(form: Form) -> list[Part]:
    """Draw a skirt with a waistband (accent)."""
    top, hem = 0.2, {"mini": 0.6, "pleated": 0.74, "maxi": 0.92}[form.variant] * form.between(0, 0.95, 1.02)
    slim, wide = form.between(1, 0.15, 0.19), form.between(2, 0.26, 0.38)
    parts = [Part(polygon((0.5 - slim, top), (0.5 + slim, top), (0.5 + wide, hem), (0.5 - wide, hem)), "main", "cloth")]
    if form.variant == "pleated":
        for fold in (-0.75, -0.25, 0.25, 0.75):
            parts.append(
                Part(
                    polygon((0.5 + fold * slim, top), (0.5 + fold * wide + 0.03, hem), (0.5 + fold * wide, hem)),
                    "plain",
                    "flat",
                    0.7,
                )
            )
    if form.pick(3, 2):
        parts.append(
            Part(
                polygon(
                    (0.5 - wide * 0.96, hem - 0.05),
                    (0.5 + wide * 0.96, hem - 0.05),
                    (0.5 + wide, hem),
                    (0.5 - wide, hem),
                ),
                "accent",
            )
        )
    return [*parts, Part(rect(0.5 - slim - 0.01, top - 0.05, 0.5 + slim + 0.01, top + 0.02), "accent", "round")]


def trousers(form: Form) -> list[Part]:
    """Draw trousers or shorts with a waistband (accent)."""
    hem = 0.58 if form.variant == "short" else form.between(0, 0.88, 0.94)
    foot = {"slim": 0.09, "wide-leg": 0.19, "short": 0.14}[form.variant] * form.between(1, 0.9, 1.1)
    hip, mid = form.between(2, 0.17, 0.2), form.between(3, 0.08, 0.12)
    leg = polygon(
        (0.5, 0.12),
        (0.5 + hip, 0.12),
        (0.5 + hip + 0.02, 0.3),
        (0.5 + mid + foot, hem),
        (0.5 + mid - foot * 0.5, hem),
        (0.5, 0.38),
    )
    cuff = rect(0.5 + mid - foot * 0.5, hem - 0.04, 0.5 + mid + foot, hem)
    parts = _both(leg)
    if form.pick(4, 2):
        parts += _both(cuff, "accent")
    parts += _both(band([(0.5 + hip * 0.55, 0.15), (0.5 + hip, 0.24)], 0.012), "accent")
    return [*parts, Part(rect(0.5 - hip - 0.005, 0.08, 0.5 + hip + 0.005, 0.14), "accent", "down")]


def scarf(form: Form) -> list[Part]:
    """Draw a looped or hanging scarf with fringes (accent)."""
    wide, end = form.between(0, 0.10, 0.14), form.between(1, 0.74, 0.84)
    spread = {"looped": 0.10, "long": 0.16, "short": 0.12}[form.variant]
    end = end - (0.2 if form.variant == "short" else 0.0)
    parts = []
    for side, drop in ((-1, 0.0), (1, form.between(2, -0.12, 0.04))):
        x, stop = 0.5 + side * spread, end + drop
        parts += [
            Part(
                band([(x - wide / 2 + wide * i / 4, stop - 0.01), (x - wide / 2 + wide * i / 4, stop + 0.08)], 0.016),
                "accent",
            )
            for i in range(5)
        ]
        parts.append(Part(rect(x - wide / 2 - 0.01, 0.24, x + wide / 2 + 0.01, stop), "main", "cloth", 0.95))
    loop = band(arc((0.5, 0.26), (spread + 0.06, 0.13), 0, 360), 0.11)
    if form.variant == "looped":
        return [
            *parts,
            Part(ellipse(0.5, 0.28, 0.26, 0.18), "main", "ball"),
            Part(ellipse(0.5, 0.22, 0.14, 0.06), "plain", "flat", 0.5),
        ]
    return [*parts, Part(loop, "main", "cloth")]


def sock(form: Form) -> list[Part]:
    """Draw a pair of socks; cuff, heel and toe are the accent."""
    top = {"ankle": 0.48, "crew": 0.3, "knee": 0.1}[form.variant]
    slim, foot = form.between(0, 0.13, 0.17), form.between(1, 0.26, 0.34)
    parts: list[Part] = []
    for left, down in ((0.42, 0.0), (0.26, 0.06)):
        sole = 0.86 + down
        shape = spline(
            [
                (left, top + down),
                (left + slim, top + down),
                (left + slim, sole - 0.2),
                (left + foot, sole - 0.13),
                (left + foot + 0.02, sole - 0.02),
                (left + 0.08, sole),
                (left - 0.01, sole - 0.1),
            ],
            closed=True,
        )
        toe = ellipse(left + foot - 0.015, sole - 0.07, 0.06, 0.062)
        heel = ellipse(left + 0.045, sole - 0.065, 0.05, 0.055)
        cuff = rounded(left - 0.015, top + down - 0.03, left + slim + 0.015, top + down + 0.05, 0.02)
        parts += [
            Part(shape, "main", "cloth"),
            Part(toe, "accent", "ball"),
            Part(heel, "accent", "ball"),
            Part(cuff, "accent", "round"),
        ]
    return parts
