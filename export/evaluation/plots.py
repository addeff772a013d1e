"""Plots of an evaluation: recall by model, by slice, and what the knobs of ``inspire`` trade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from export import plotting
from export.evaluation.goals import OURS
from export.evaluation.knobs import Knobbed
from export.evaluation.measuring import RECALL, Measured
from export.evaluation.shop import ALL, COLD, HEAD, TAIL

WIDTH, BAR_INCHES, EDGE_INCHES = 11.0, 0.3, 1.1
OURS_COLOUR, OTHER_COLOUR = plotting.COLOURS[1], plotting.COLOURS[0]
SHIFT = 0.22


def recall_plot(measured: Sequence[Measured]) -> Figure:
    """Recall@10 of every model on all questions, a panel a task, with 95 % intervals."""
    tasks = list(dict.fromkeys(one.task for one in measured))
    panels = {task: [one for one in measured if (one.task, one.slice) == (task, ALL)] for task in tasks}
    rows = max(map(len, panels.values()))
    with plotting.style():
        figure = Figure(figsize=(WIDTH, EDGE_INCHES + BAR_INCHES * rows))
        for axes, (task, ones) in zip(figure.subplots(1, len(tasks), squeeze=False)[0], panels.items(), strict=True):
            _bars(axes, ones)
            axes.set_title(task)
            axes.set_xlabel("recall@10")
        figure.tight_layout()
    return figure


def slices_plot(measured: Sequence[Measured], chosen: Mapping[str, Sequence[str]]) -> Figure:
    """Recall@10 of some models on head, tail and cold products, a panel a task.

    Args:
        measured: All of them.
        chosen: Models by task.
    """
    with plotting.style():
        figure = Figure(figsize=(WIDTH, 3.6))
        panels = figure.subplots(1, len(chosen), squeeze=False)[0]
        for axes, (task, models) in zip(panels, chosen.items(), strict=True):
            for place, model in enumerate(models):
                _points(axes, [one for one in measured if (one.task, one.model) == (task, model)], place, len(models))
            axes.set_title(task)
            axes.set_xticks(range(3), [HEAD, TAIL, COLD])
            axes.set_ylim(bottom=0)
            axes.set_xlim(-0.6, 2.6)
            plotting.grid(axes, "y")
            axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.1))
        panels[0].set_ylabel("recall@10")
        figure.tight_layout()
    return figure


def knobs_plot(knobbed: Sequence[Knobbed], similar: Knobbed) -> Figure:
    """Diversity against recall of the next basket, for ``nearest`` and ``skip`` of the request."""
    with plotting.style():
        figure = Figure(figsize=(7.0, 4.4))
        axes = figure.subplots()
        for place, skip in enumerate(sorted({one.skip for one in knobbed})):
            line = sorted((one for one in knobbed if one.skip == skip), key=lambda one: one.nearest)
            colour, marker = plotting.COLOURS[place], plotting.MARKERS[place]
            _with_reach(axes, line, colour, marker, f"skip {skip}")
            for one in line:
                axes.annotate(
                    str(one.nearest), (one.recall, one.diversity), (3, 5), "data", "offset points", fontsize=8
                )
        _with_reach(axes, [similar], plotting.INK, "*", "similar")
        axes.set_xlabel("recall@10 of the next basket")
        axes.set_ylabel("intra-list diversity")
        axes.set_xlim(left=0)
        axes.set_title(f"nearest (at the marks) and skip, {similar.questions:,} questions")
        plotting.grid(axes)
        axes.legend(loc="lower right")
        figure.tight_layout()
    return figure


def _with_reach(axes: Axes, line: Sequence[Knobbed], colour: str, marker: str, label: str) -> None:
    across, up = [one.recall for one in line], [one.diversity for one in line]
    # The mean of equal values may differ from them in its last bit.
    reach = np.maximum([[one.recall - one.low for one in line], [one.high - one.recall for one in line]], 0.0)
    axes.errorbar(across, up, xerr=reach, color=colour, marker=marker, linewidth=0.8, elinewidth=0.6, label=label)


def _bars(axes: Axes, ones: Sequence[Measured]) -> None:
    ordered = sorted(ones, key=lambda one: one.figures[RECALL].value)
    for place, one in enumerate(ordered):
        recall = one.figures[RECALL]
        colour = OURS_COLOUR if one.model.startswith(OURS) else OTHER_COLOUR
        axes.barh(place, recall.value, 0.7, color=colour, alpha=0.85)
        axes.plot([recall.low, recall.high], [place, place], color=plotting.INK, linewidth=1.2)
    axes.set_yticks(range(len(ordered)), [one.model for one in ordered])
    plotting.grid(axes, "x")


def _points(axes: Axes, ones: Sequence[Measured], place: int, models: int) -> None:
    known = {one.slice: one for one in ones}
    shift = SHIFT * (place - (models - 1) / 2)
    colour, marker = plotting.COLOURS[place], plotting.MARKERS[place]
    for at, part in enumerate((HEAD, TAIL, COLD)):
        if part not in known or not known[part].answered:
            continue
        recall = known[part].figures[RECALL]
        reach = np.array([[recall.value - recall.low], [recall.high - recall.value]])
        axes.errorbar(at + shift, recall.value, reach, color=colour, marker=marker, markersize=6, linewidth=1.2)
    axes.plot([], [], color=colour, marker=marker, linestyle="", label=ones[0].model if ones else "")
