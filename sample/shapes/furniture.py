"""Furniture: chairs, stools, tables, sofas, shelves and chests of drawers."""

from __future__ import annotations

from sample.geometry import band, ellipse, polygon, rect, rounded
from sample.parts import Form, Part


def _legs(spread: float, top: float, splay: float, width: float = 0.035) -> list[Part]:
    feet = [band([(0.5 + s * spread, top), (0.5 + s * (spread + splay), 0.92)], width, width * 0.7) for s in (-1, 1)]
    return [Part(foot, "accent", "round") for foot in feet]


def chair(form: Form) -> list[Part]:
    """Draw a chair from the front: back and seat in the product's colour, legs in the accent."""
    half, seat = form.between(0, 0.19, 0.25), form.between(1, 0.54, 0.6)
    top = form.between(2, 0.08, 0.16)
    parts = _legs(half * 0.8, seat, form.between(3, 0.0, 0.08))
    parts += [
        Part(rect(0.5 + s * half * 0.5 - 0.012, seat, 0.5 + s * half * 0.5 + 0.012, 0.84), "accent", "flat", 0.7)
        for s in (-1, 1)
    ]
    if form.variant == "slatted":
        bars = 3 + form.pick(4, 3)
        parts += [Part(rounded(0.5 - half, top, 0.5 + half, top + 0.09, 0.03), "main", "down")]
        for bar in range(bars):
            x = 0.5 - half * 0.85 + bar * half * 1.7 / (bars - 1)
            parts.append(Part(rect(x - 0.02, top + 0.08, x + 0.02, seat), "main", "round"))
    else:
        radius = 0.2 if form.variant == "round-backed" else 0.04
        parts.append(Part(rounded(0.5 - half, top, 0.5 + half, seat - 0.05, radius), "main", "cloth"))
        parts.append(Part(rect(0.5 - half * 0.6, seat - 0.06, 0.5 + half * 0.6, seat), "plain", "flat", 0.7))
    return [
        *parts,
        Part(rounded(0.5 - half * 1.12, seat - 0.03, 0.5 + half * 1.12, seat + 0.06, 0.035), "main", "down", 0.9),
    ]


def stool(form: Form) -> list[Part]:
    """Draw a stool: round, bar height or step stool."""
    seat = {"round": 0.5, "bar": 0.2, "step": 0.4}[form.variant] * form.between(0, 0.94, 1.08)
    half = {"round": 0.24, "bar": 0.17, "step": 0.28}[form.variant] * form.between(1, 0.9, 1.1)
    parts = _legs(half * 0.7, seat, form.between(2, 0.04, 0.12), 0.04)
    rung = seat + (0.92 - seat) * form.between(3, 0.45, 0.7)
    parts.append(
        Part(
            rounded(0.5 - half * 0.9, rung, 0.5 + half * 0.9, rung + (0.08 if form.variant == "step" else 0.03), 0.015),
            "accent",
            "down",
            0.85,
        )
    )
    if form.variant == "step":
        return [*parts, Part(rounded(0.5 - half, seat - 0.06, 0.5 + half, seat + 0.02, 0.02), "main", "down")]
    return [
        *parts,
        Part(rect(0.5 - half, seat - 0.04, 0.5 + half, seat + 0.05), "main", "round"),
        Part(ellipse(0.5, seat - 0.04, half, 0.06), "main", "down"),
    ]


def table(form: Form) -> list[Part]:
    """Draw a table: round on one foot, or long on two legs (accent)."""
    top = {"round": 0.42, "dining": 0.4, "coffee": 0.58}[form.variant] * form.between(0, 0.95, 1.05)
    half = form.between(1, 0.34, 0.42)
    if form.variant == "round":
        foot = polygon(
            (0.47, top), (0.53, top), (0.53, 0.86), (0.5 + half * 0.55, 0.92), (0.5 - half * 0.55, 0.92), (0.47, 0.86)
        )
        return [
            Part(foot, "accent", "round"),
            Part(ellipse(0.5, top + 0.03, half, 0.09), "plain", "flat", 0.6),
            Part(ellipse(0.5, top, half, 0.09), "main", "down"),
        ]
    parts = _legs(half * 0.86, top, form.between(2, -0.06, 0.04), 0.05)
    parts += [
        Part(rect(0.5 + s * half * 0.55 - 0.014, top, 0.5 + s * half * 0.55 + 0.014, 0.82), "accent", "flat", 0.65)
        for s in (-1, 1)
    ]
    if form.variant == "coffee" or form.pick(3, 2):
        parts.append(Part(rect(0.5 - half * 0.8, top + 0.03, 0.5 + half * 0.8, top + 0.11), "main", "flat", 0.75))
    slab = polygon((0.5 - half * 0.82, top - 0.1), (0.5 + half * 0.82, top - 0.1), (0.5 + half, top), (0.5 - half, top))
    return [
        *parts,
        Part(slab, "main", "flat"),
        Part(rect(0.5 - half, top, 0.5 + half, top + 0.045), "plain", "flat", 0.75),
    ]


def sofa(form: Form) -> list[Part]:
    """Draw a sofa: armchair, two or three seats; legs and throw cushion in the accent."""
    seats = {"single": 1, "two-seat": 2, "three-seat": 3}[form.variant]
    half = {1: 0.27, 2: 0.36, 3: 0.43}[seats]
    back, arm = form.between(0, 0.26, 0.36), form.between(1, 0.07, 0.1)
    parts = [
        Part(rect(0.5 + s * half * 0.85 - 0.02, 0.76, 0.5 + s * half * 0.85 + 0.02, 0.86), "accent") for s in (-1, 1)
    ]
    parts.append(
        Part(rounded(0.5 - half * 0.95, back, 0.5 + half * 0.95, 0.66, form.between(2, 0.03, 0.12)), "main", "cloth")
    )
    width = 2 * (half - arm) / seats
    for seat in range(seats):
        left = 0.5 - half + arm + seat * width
        parts.append(Part(rounded(left, 0.54, left + width, 0.66, 0.035), "main", "down", 0.94))
    parts.append(Part(rect(0.5 - half, 0.65, 0.5 + half, 0.78), "main", "down", 0.82))
    tall = form.between(3, 0.42, 0.52)
    parts += [
        Part(rounded(x - arm / 2 - 0.02, tall, x + arm / 2 + 0.02, 0.78, 0.05), "main", "round")
        for x in (0.5 - half, 0.5 + half)
    ]
    throw = 0.5 + (half - arm - 0.1) * (1 if form.pick(4, 2) else -1)
    return [*parts, Part(rounded(throw - 0.09, 0.42, throw + 0.09, 0.57, 0.04), "accent", "ball")]


def shelf(form: Form) -> list[Part]:
    """Draw a shelf unit; the back panel is the accent, and a few books stand in it."""
    half, rows = {"tall": (0.2, 4), "wide": (0.38, 2), "cube": (0.32, 3)}[form.variant]
    top, bottom = (
        {"tall": 0.07, "wide": 0.3, "cube": 0.18}[form.variant],
        {"tall": 0.93, "wide": 0.78, "cube": 0.84}[form.variant],
    )
    columns = {"tall": 1, "wide": 3, "cube": 3}[form.variant] - form.pick(0, 2) * (form.variant != "tall")
    parts = [
        Part(rect(0.5 - half, top, 0.5 + half, bottom), "main", "flat"),
        Part(rect(0.5 - half + 0.03, top + 0.03, 0.5 + half - 0.03, bottom - 0.03), "accent", "flat", 0.85),
    ]
    cell = (bottom - top) / rows
    for row in range(rows):
        floor = top + (row + 1) * cell - 0.015
        at = 0.5 - half + 0.04 + form.between(row, 0.0, half * 1.1)
        for number, paint in enumerate(("dark", "light", "brass")[: 1 + form.pick(row + 3, 3)]):
            left = at + number * 0.045
            parts.append(Part(rect(left, floor - cell * (0.7 - 0.1 * number), left + 0.04, floor), paint))  # type: ignore[arg-type]
        parts.append(Part(rect(0.5 - half, floor - 0.012, 0.5 + half, floor + 0.018), "main", "down"))
    for column in range(1, columns):
        x = 0.5 - half + 2 * half * column / columns
        parts.append(Part(rect(x - 0.014, top, x + 0.014, bottom), "main", "round"))
    return parts


def drawers(form: Form) -> list[Part]:
    """Draw a chest of drawers; the knobs and feet are the accent."""
    half, rows, top = {"tall": (0.22, 4, 0.12), "wide": (0.38, 2, 0.36), "classic": (0.31, 3, 0.26)}[form.variant]
    rows += form.pick(0, 2)
    parts = [
        Part(rect(0.5 + s * half * 0.85 - 0.025, 0.82, 0.5 + s * half * 0.85 + 0.025, 0.92), "accent") for s in (-1, 1)
    ]
    parts.append(Part(rounded(0.5 - half, top, 0.5 + half, 0.84, 0.015), "plain", "round"))
    step = (0.81 - top - 0.04) / rows
    for row in range(rows):
        y = top + 0.04 + row * step
        parts.append(
            Part(rounded(0.5 - half + 0.03, y, 0.5 + half - 0.03, y + step - 0.025, 0.012), "main", "down", 0.94)
        )
        spots = (0.0,) if form.variant == "tall" or form.pick(1, 2) else (-0.5, 0.5)
        for spot in spots:
            middle = (0.5 + spot * half, y + step / 2 - 0.012)
            knob = (
                ellipse(*middle, 0.024)
                if form.pick(2, 2)
                else rounded(middle[0] - 0.07, middle[1] - 0.014, middle[0] + 0.07, middle[1] + 0.014, 0.014)
            )
            parts.append(Part(knob, "accent", "ball"))
    return [*parts, Part(rounded(0.5 - half * 1.05, top - 0.03, 0.5 + half * 1.05, top + 0.02, 0.015), "plain", "down")]
