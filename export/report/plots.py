"""The three plots of a tower: cosines, recall and latency, a line a candidate."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from export import plotting
from export.gate.values import BATCHES, Verdict
from export.report.values import TowerReport

WIDTH_INCHES, LINE_INCHES, FRAME_INCHES = 6.4, 0.42, 1.0
PRECISION_COLOURS = {"int8": "#d55e00", "fp16": "#009e73", "fp32": "#0072b2"}
OTHER_COLOUR = "#808080"
# Distances to a cosine of 1: what float32 cannot tell from 1, and opposite vectors.
NEAREST, FARTHEST = 1e-7, 2.0
BINS = 60
BATCH_ALPHA = {1: 1.0, 8: 0.65, 32: 0.35}
RECALL_MARKS = {"recall_at_10": "o", "recall_at_100": "D"}

Values = NDArray[np.float64]


def cosines(tower: TowerReport) -> Figure:
    """Histograms of the cosines to FP32, on a scale of nines, with bounds of the 1st percentile and the worst."""

    def draw(axes: Axes) -> None:
        edges = np.geomspace(NEAREST, FARTHEST, BINS + 1)
        for line, verdict in enumerate(tower.verdicts):
            found = np.array(verdict.cosines)
            distances = np.clip(1 - found[np.isfinite(found)], NEAREST, FARTHEST)
            counts, _ = np.histogram(distances, edges)
            if counts.any():
                heights = 0.85 * counts / counts.max()
                colour = _colour(verdict)
                axes.stairs(line + 0.42 - heights, edges, baseline=line + 0.42, fill=True, color=colour, alpha=0.85)
            asked = tower.bounds[verdict.candidate.precision]
            _bound(axes, line, _distance(asked.cosine_p01), ":")
            _bound(axes, line, _distance(asked.cosine_min), "-")
        _nines(axes, tower.verdicts)
        axes.set_xlabel("cosine to FP32")

    return _plot(tower, "Cosines of held-out inputs", draw)


def recall(tower: TowerReport) -> Figure:
    """Share of FP32's nearest products that each finds too, with the bound of recall@10."""

    def draw(axes: Axes) -> None:
        for line, verdict in enumerate(tower.verdicts):
            for (name, mark), shift in zip(RECALL_MARKS.items(), (-0.15, 0.15), strict=True):
                value = getattr(verdict.figures, name)
                if np.isfinite(value):
                    face = _colour(verdict) if mark == "o" else "none"
                    axes.scatter(value, line + shift, 46, face, marker=mark, edgecolors=_colour(verdict), zorder=3)
            _bound(axes, line, tower.bounds[verdict.candidate.precision].recall_at_10, "-")
        low = min([0.97, *(value for value in _recalls(tower) if np.isfinite(value))])
        axes.set_xlim(low - 0.05 * (1.001 - low), 1 + 0.05 * (1.001 - low))
        axes.set_xlabel("recall")

    return _plot(tower, "Recall of retrieval", draw)


def latency(tower: TowerReport) -> Figure:
    """Time of a run over FP32's, by batch."""

    def draw(axes: Axes) -> None:
        for line, verdict in enumerate(tower.verdicts):
            for place, batch in enumerate(BATCHES):
                ratio = verdict.figures.latency_ratio.get(batch, np.nan)
                if np.isfinite(ratio):
                    at, alpha = line + 0.26 * (place - 1), BATCH_ALPHA[batch]
                    axes.barh(at, ratio, 0.24, color=_colour(verdict), alpha=alpha)
                    axes.text(ratio, at, f" {ratio:.2f}", va="center", fontsize=7.5)
        axes.axvline(1, color=plotting.INK, linewidth=1, linestyle="--")
        axes.set_xlim(0, 1.12 * axes.get_xlim()[1])
        axes.set_xlabel("time over FP32's")

    return _plot(tower, "Latency", draw)


def _plot(tower: TowerReport, title: str, draw: Callable[[Axes], None]) -> Figure:
    count = len(tower.verdicts)
    with plotting.style():
        figure = Figure(figsize=(WIDTH_INCHES, FRAME_INCHES + LINE_INCHES * count), layout="constrained")
        axes = figure.subplots()
        draw(axes)
        axes.set_title(title)
        axes.set_yticks(range(count), [_label(tower, verdict) for verdict in tower.verdicts])
        axes.set_ylim(count - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        plotting.grid(axes, "x")
    return figure


def _label(tower: TowerReport, verdict: Verdict) -> str:
    name = verdict.candidate.name
    return f"{name} \N{CHECK MARK}" if name == tower.chosen else name if verdict.passed else f"{name} (failed)"


def _colour(verdict: Verdict) -> str:
    return PRECISION_COLOURS.get(verdict.candidate.precision, OTHER_COLOUR)


def _bound(axes: Axes, line: int, value: float | None, style: str) -> None:
    if value is not None:
        axes.vlines(value, line - 0.42, line + 0.42, color=plotting.INK, linewidth=1.4, linestyle=style, zorder=4)


def _distance(cosine: float | None) -> float | None:
    return None if cosine is None else max(1 - cosine, NEAREST)


def _nines(axes: Axes, verdicts: Sequence[Verdict]) -> None:
    """Ticks at 0.9, 0.99, 0.999 ...; the axis as wide as the values and bounds need."""
    found = np.concatenate([np.array(verdict.cosines) for verdict in verdicts])
    finite = found[np.isfinite(found)]
    far = FARTHEST if finite.size and finite.min() < 0 else 1 if finite.size and finite.min() < 0.9 else 0.1
    axes.set_xscale("log")
    axes.set_xlim(far, NEAREST)
    places = [step for step in (1.0, 0.1, 1e-2, 1e-3, 1e-4, 1e-5) if step <= far]
    axes.set_xticks([*places, NEAREST], [*(f"{1 - place:.5g}" for place in places), "1"])
    axes.minorticks_off()


def _recalls(tower: TowerReport) -> list[float]:
    figures = [verdict.figures for verdict in tower.verdicts]
    asked = [tower.bounds[verdict.candidate.precision].recall_at_10 for verdict in tower.verdicts]
    return [*(one.recall_at_10 for one in figures), *(one.recall_at_100 for one in figures), *asked]
