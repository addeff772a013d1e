"""Quality against latency and against size, a row of plots a kind of query; the Pareto front is filled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.ticker as ticks
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from export import plotting
from export.compare.standings import Standing, on_front

Cost = Callable[[Standing], float]

COSTS: Mapping[str, Cost] = {
    "milliseconds, one input": lambda one: one.ms_b1,
    "milliseconds, a batch of 32": lambda one: one.ms_b32,
    "megabytes of the graph": lambda one: one.bytes / 1e6,
}
QUERIES = {"text": "text queries", "image": "photo queries"}
ROW_INCHES, WIDTH_INCHES, LEGEND_INCHES, LEGEND_LINE_INCHES = 3.1, 11.0, 0.5, 0.24
LEGEND_COLUMNS = 5
AREA = 75.0
# Left free on both sides of an axis, as a factor; enough for a tick on each side of a single value.
ROOM = 2.3


def draw(standings: Sequence[Standing], metric: str) -> Figure:
    """The plot of a comparison.

    Args:
        standings: Of all towers and kinds.
        metric: Which quality is shown and decides about the front.
    """
    names = list(dict.fromkeys(one.towers for one in standings))
    kinds = list(dict.fromkeys(one.kind for one in standings))
    legend = LEGEND_INCHES + LEGEND_LINE_INCHES * -(-len(names) // LEGEND_COLUMNS)
    height = ROW_INCHES * len(kinds) + legend
    with plotting.style():
        figure = Figure(figsize=(WIDTH_INCHES, height))
        panels = figure.subplots(len(kinds), len(COSTS), squeeze=False, sharey="row")
        marks = on_front(standings, metric)
        for row, kind in zip(panels, kinds, strict=True):
            chosen = [(one, mark) for one, mark in zip(standings, marks, strict=True) if one.kind == kind]
            for axes, (said, cost) in zip(row, COSTS.items(), strict=True):
                _panel(axes, chosen, cost, metric, names)
                axes.set_xlabel(said)
            row[0].set_ylabel(f"{metric}, {chosen[0][0].queries:,} queries")
            row[0].set_title(QUERIES[kind])
        _legend(figure, names)
        figure.tight_layout(rect=(0, legend / height, 1, 1))
    return figure


def _panel(axes: Axes, chosen: Sequence[tuple[Standing, bool]], cost: Cost, metric: str, names: Sequence[str]) -> None:
    for one, mark in chosen:
        at, quality = cost(one), one.quality[metric]
        colour, marker = _look(names.index(one.towers))
        axes.errorbar(at, quality, one.standard_error[metric], color=colour, linewidth=1, alpha=0.6, zorder=2)
        face = colour if mark else "none"
        axes.scatter(at, quality, AREA, face, marker=marker, edgecolors=colour, linewidths=1.8, zorder=3)
    _log_axis(axes, [cost(one) for one, _ in chosen])
    plotting.grid(axes)


def _log_axis(axes: Axes, values: Sequence[float]) -> None:
    """Ticks at 1, 2 and 5 times powers of ten, in plain figures; room for marks at both ends."""
    low, high = min(values) / ROOM, max(values) * ROOM
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    steps = np.outer(powers, (1, 2, 5)).ravel()
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_xticks(steps[(low <= steps) & (steps <= high)])
    axes.xaxis.set_major_formatter(ticks.FormatStrFormatter("%g"))
    axes.xaxis.set_minor_locator(ticks.NullLocator())


def _look(place: int) -> tuple[str, str]:
    return plotting.COLOURS[place % len(plotting.COLOURS)], plotting.MARKERS[place % len(plotting.MARKERS)]


def _legend(figure: Figure, names: Sequence[str]) -> None:
    handles = [
        Line2D([], [], linestyle="", marker=marker, color=colour, markersize=8, label=name)
        for name, (colour, marker) in ((name, _look(place)) for place, name in enumerate(names))
    ]
    foot = LEGEND_INCHES / 2 / figure.get_figheight()
    figure.legend(handles=handles, loc="lower center", ncols=LEGEND_COLUMNS, bbox_to_anchor=(0.5, foot))
    said = "Filled: on the Pareto front of quality, latency of one input, and size. Bars: standard error."
    figure.text(0.5, foot / 3, said, ha="center", fontsize=9)
