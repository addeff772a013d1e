"""Kitchen: mugs, bowls, teapots, plates, pans, jars and bottles."""

from __future__ import annotations

from sample.geometry import arc, band, ellipse, lathe, rect, rounded, spline
from sample.parts import Form, Part


def mug(form: Form) -> list[Part]:
    """Draw a mug with its handle (accent) on the right."""
    width, height = {"tall": (0.19, 0.60), "wide": (0.27, 0.44), "rounded": (0.23, 0.50)}[form.variant]
    width, height = width * form.between(0, 0.9, 1.1), height * form.between(1, 0.9, 1.1)
    top, cx = 0.52 - height / 2, 0.44
    bulge = width * (1.28 if form.variant == "rounded" else 1.0)
    foot = width * form.between(2, 0.72, 1.0)
    body = lathe([(width, top), (bulge, top + height * 0.5), (foot, top + height)], cx=cx)
    reach = form.between(3, 0.12, 0.18)
    grip = band(arc((cx + width * 0.95, top + height * 0.47), (reach, height * 0.28), -95, 95), 0.05)
    return [
        Part(grip, "accent", "round"),
        Part(body, "main", "round"),
        Part(ellipse(cx, top, width, 0.05), "plain", "flat", 0.62),
        Part(ellipse(cx, top + 0.012, width * 0.86, 0.034), "dark", "flat"),
    ]


def bowl(form: Form) -> list[Part]:
    """Draw a bowl on a foot ring (accent)."""
    depth = {"deep": 0.40, "shallow": 0.22, "flared": 0.32}[form.variant] * form.between(0, 0.9, 1.1)
    wide, top = form.between(1, 0.33, 0.40), 0.36
    waist = wide * (0.62 if form.variant == "flared" else 0.90)
    foot = form.between(2, 0.12, 0.18)
    body = lathe([(wide, top), (waist, top + depth * 0.55), (foot, top + depth)])
    return [
        Part(rounded(0.5 - foot, top + depth - 0.03, 0.5 + foot, top + depth + 0.05, 0.02), "accent", "round"),
        Part(body, "main", "round"),
        Part(ellipse(0.5, top, wide, 0.075), "accent", "flat"),
        Part(ellipse(0.5, top + 0.008, wide * 0.93, 0.06), "plain", "down", 0.7),
    ]


def teapot(form: Form) -> list[Part]:
    """Draw a teapot: spout, handle and lid (accent)."""
    belly = form.between(0, 0.22, 0.26)
    height = {"round": 0.40, "tall": 0.52, "squat": 0.30}[form.variant]
    top, bottom = 0.56 - height / 2, 0.56 + height / 2
    shoulder = belly * form.between(1, 0.45, 0.6)
    body = lathe([(shoulder, top), (belly, top + height * 0.5), (belly * 0.65, bottom)], cx=0.48)
    lean = form.between(2, 0.0, 0.08)
    spout = [(0.48 + belly * 0.8, bottom - height * 0.3), (0.80, 0.55), (0.84 + lean, top - 0.02)]
    grip = arc((0.48 - belly * 0.85, 0.55), (form.between(3, 0.13, 0.19), height * 0.36), 95, 265)
    return [
        Part(band(spline(spout), 0.11, 0.05), "main", "round"),
        Part(band(grip, 0.045), "accent", "round"),
        Part(body, "main", "round"),
        Part(
            lathe([(0.02, top - 0.09), (shoulder * 0.7, top - 0.05), (shoulder, top + 0.01)], cx=0.48),
            "accent",
            "round",
        ),
        Part(ellipse(0.48, top - 0.10, form.between(4, 0.025, 0.04)), "accent", "ball"),
    ]


def plate(form: Form) -> list[Part]:
    """Draw a plate from above with its rim (accent)."""
    if form.variant == "square":
        r = form.between(0, 0.04, 0.12)
        shapes = [rounded(0.5 - s, 0.5 - s, 0.5 + s, 0.5 + s, r) for s in (0.37, 0.33, 0.22)]
    else:
        flat = 0.72 if form.variant == "oval" else 1.0
        sizes = (0.40, 0.40 - form.between(0, 0.02, 0.05), form.between(1, 0.22, 0.28))
        shapes = [ellipse(0.5, 0.5, s, s * flat) for s in sizes]
    return [Part(shapes[0], "accent"), Part(shapes[1], "main", "down"), Part(shapes[2], "plain", "ball", 0.93)]


def pan(form: Form) -> list[Part]:
    """Draw a pot or pan from the side; handles are the accent."""
    wide, deep = {"frying": (0.28, 0.12), "sauce": (0.22, 0.26), "stock": (0.27, 0.40)}[form.variant]
    wide, deep = wide * form.between(0, 0.92, 1.08), deep * form.between(1, 0.9, 1.1)
    top, cx = 0.58 - deep / 2, 0.5 if form.variant == "stock" else 0.36
    parts = [Part(rounded(cx - wide, top, cx + wide, top + deep, form.between(2, 0.03, 0.09)), "main", "round")]
    if form.variant == "stock":
        grips = [arc((cx + s * wide, top + 0.09), (0.08, 0.05), -90 * s, 90 * s) for s in (1, -1)]
        parts = [Part(band(grip, 0.035), "accent") for grip in grips] + parts
    else:
        tip = (0.95, top + 0.02 - form.between(3, 0.0, 0.1))
        parts.insert(0, Part(band([(cx + wide - 0.02, top + 0.05), tip], 0.05, 0.07), "accent", "down"))
    lid = lathe([(0.03, top - 0.10), (wide * 0.7, top - 0.07), (wide * 1.03, top)], cx=cx)
    rim = rounded(cx - wide * 1.04, top - 0.02, cx + wide * 1.04, top + 0.02, 0.02)
    if form.pick(4, 2) or form.variant == "stock":
        parts += [Part(lid, "glass", "ball"), Part(ellipse(cx, top - 0.11, 0.035), "accent", "ball")]
    return [*parts, Part(rim, "steel", "round")]


def jar(form: Form) -> list[Part]:
    """Draw a storage jar with a lid (accent) and a label."""
    wide, high = {"tall": (0.17, 0.58), "wide": (0.26, 0.42), "small": (0.18, 0.34)}[form.variant]
    wide, high = wide * form.between(0, 0.92, 1.1), high * form.between(1, 0.92, 1.05)
    top = 0.56 - high / 2
    neck = wide * form.between(2, 0.72, 0.95)
    label = rounded(0.5 - wide * 0.6, top + high * 0.4, 0.5 + wide * 0.6, top + high * 0.7, form.between(3, 0.0, 0.06))
    parts = [
        Part(
            lathe([(neck, top), (wide, top + 0.08), (wide, top + high - 0.05), (wide * 0.92, top + high)]),
            "main",
            "round",
        ),
        Part(rounded(0.5 - neck * 1.08, top - 0.08, 0.5 + neck * 1.08, top + 0.02, 0.02), "accent", "round"),
    ]
    if form.pick(4, 3):
        parts.append(Part(label, "light", "flat"))
        parts.append(Part(rect(0.5 - wide * 0.35, top + high * 0.54, 0.5 + wide * 0.35, top + high * 0.56), "dark"))
    return parts


def bottle(form: Form) -> list[Part]:
    """Draw a drinking bottle with a cap (accent)."""
    wide = {"slim": 0.11, "sports": 0.15, "wide": 0.18}[form.variant] * form.between(0, 0.9, 1.1)
    neck, top = wide * form.between(1, 0.38, 0.7), 0.24
    waist = wide * (0.82 if form.variant == "sports" else 1.0)
    shoulder = top + form.between(2, 0.06, 0.18)
    profile = [(neck, top), (wide, shoulder), (wide, 0.5), (waist, 0.6), (wide, 0.72), (wide, 0.86), (wide * 0.9, 0.9)]
    cap = rounded(0.5 - neck * 1.15, top - form.between(3, 0.07, 0.13), 0.5 + neck * 1.15, top + 0.01, 0.02)
    parts = [Part(lathe(profile), "main", "round"), Part(cap, "accent", "round")]
    if form.variant == "sports":
        parts.append(Part(rounded(0.47, 0.08, 0.53, top - 0.06, 0.02), "accent", "round"))
    return parts
