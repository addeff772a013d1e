"""Line charts as SVG, drawn in the colour of the text around them, so that a page needs no script and no picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup, escape

# Okabe and Ito's colours, which those who confuse red and green can tell apart; yellow is left out, being too pale.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#8c6d31")
WIDTH, HEIGHT = 640.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 12.0, 10.0, 34.0
TICKS = 5


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Args:
        name: In the legend.
        points: x and y; where y is not finite the line is interrupted.
        dots: Whether each point is marked.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    dots: bool = False


@dataclass(frozen=True)
class Chart:
    """A chart, both of whose axes begin at 0.

    Args:
        title: Above it.
        lines: Up to eight are told apart by colour.
        across: What x is.
        up: What y is.
        bound: A line across, where something was promised.
    """

    title: str
    lines: tuple[Line, ...]
    across: str = "seconds from the start"
    up: str = ""
    bound: float | None = None


def nice(least: float, most: float, count: int = TICKS) -> list[float]:
    """Round numbers from at most ``least`` to at least ``most``: multiples of 1, 2 or 5 times a power of ten."""
    span = (most - least) or 1.0
    power = 10 ** math.floor(math.log10(span / count))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if span / step <= count)
    first, last = math.floor(least / step), math.ceil((least + span) / step - 1e-9)
    return [place * step for place in range(first, last + 1)]


def draw(chart: Chart) -> Markup:
    """The chart as an ``<svg>``; names in it are escaped."""
    points = [point for line in chart.lines for point in line.points if math.isfinite(point[1])]
    bound = [] if chart.bound is None else [chart.bound]
    last = max((x for x, _ in points), default=1.0) or 1.0
    across = [value for value in nice(0, last) if value <= last]
    up = nice(0, max([y for _, y in points] + bound, default=1))
    plane = _Plane(last, up[-1])
    parts = [*_axes(plane, across, up), *_names(chart)]
    for colour, line in zip(COLOURS * (1 + len(chart.lines) // len(COLOURS)), chart.lines, strict=False):
        parts += _line(plane, line, colour)
    if chart.bound is not None:
        y = plane.y(chart.bound)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor" '
            'stroke-dasharray="5 4"/>'
        )
    label = escape(f"{chart.title}: {', '.join(line.name for line in chart.lines)}")
    body = "".join(parts)
    # All that was told by others is escaped above
    return Markup(  # noqa: S704
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" font-size="11" fill="currentColor">'
        f"{body}</svg>"
    )


def legend(chart: Chart) -> list[tuple[str, str]]:
    """Colour and name of each line."""
    return [(COLOURS[place % len(COLOURS)], line.name) for place, line in enumerate(chart.lines)]


@dataclass(frozen=True)
class _Plane:
    right: float
    high: float

    def x(self, value: float) -> float:
        return LEFT + value / self.right * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - value / self.high * (HEIGHT - TOP - BOTTOM)


def _axes(plane: _Plane, across: Sequence[float], up: Sequence[float]) -> Iterator[str]:
    for value in up:
        y = plane.y(value)
        yield (
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor" opacity=".15"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
        )
    for value in across:
        x = plane.x(value)
        yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{value:g}</text>'


def _names(chart: Chart) -> Iterator[str]:
    middle = (HEIGHT - BOTTOM + TOP) / 2
    yield f'<text x="{(WIDTH + LEFT) / 2}" y="{HEIGHT - 3}" text-anchor="middle">{escape(chart.across)}</text>'
    yield f'<text transform="translate(11 {middle}) rotate(-90)" text-anchor="middle">{escape(chart.up)}</text>'


def _line(plane: _Plane, line: Line, colour: str) -> Iterator[str]:
    for drawn, run in groupby(line.points, key=lambda point: math.isfinite(point[1])):
        points = [(plane.x(x), plane.y(y)) for x, y in run] if drawn else []
        if len(points) > 1:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
        for x, y in points if line.dots or len(points) == 1 else ():
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
