"""What an evaluation leaves: figures as JSON, plots, a report, and a table for the terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from rich import box
from rich.table import Table

from export import plotting
from export.evaluation.document import report
from export.evaluation.measuring import DIVERSITY, MRR, NDCG, RECALL
from export.evaluation.plots import knobs_plot, recall_plot, slices_plot
from export.evaluation.run import Evaluation
from export.evaluation.shop import ALL
from export.evaluation.telling import shown_models

JSON, REPORT = "tasks.json", "tasks.md"
RECALL_PLOT, SLICES_PLOT, KNOBS_PLOT = "tasks-recall.png", "tasks-slices.png", "tasks-knobs.png"


def write(folder: Path, found: Evaluation, *, more: Sequence[str] = ()) -> tuple[Path, ...]:
    """Write JSON, plots and report; returns their paths.

    Args:
        folder: Where to.
        found: The evaluation.
        more: Further sections of the report, as Markdown.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "rows": [one.row() for one in found.measured],
        "goals": [goal.row() for goal in found.goals],
        "knobs": [one.row() for one in found.knobbed],
        "similar_beside_knobs": found.similar.row() if found.similar else None,
        **found.facts,
    }
    (folder / JSON).write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
    plots = _plots(found)
    for name, figure in plots.items():
        (folder / name).write_bytes(plotting.png(figure))
    (folder / REPORT).write_text(report(found, tuple(plots), more), "utf-8")
    return folder / REPORT, folder / JSON, *(folder / name for name in plots)


def table(found: Evaluation) -> Table:
    """All models on all questions, and whether the targets are reached."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name in ("task", "model"):
        shown.add_column(name, no_wrap=True)
    for name in ("R@10", "95 %", "nDCG@10", "MRR", "coverage", "diversity"):
        shown.add_column(name, justify="right", no_wrap=True)
    for one in found.measured:
        if one.slice != ALL:
            continue
        recall, rest = one.figures[RECALL], (one.figures[name].value for name in (NDCG, MRR))
        interval = f"{recall.low:.3f}-{recall.high:.3f}"
        cells = (f"{recall.value:.4f}", interval, *(f"{value:.4f}" for value in rest), f"{one.coverage:.3f}")
        shown.add_row(one.task, one.model, *cells, f"{one.figures[DIVERSITY].value:.3f}")
    reached = sum(goal.reached for goal in found.goals)
    shown.caption = f"{reached} of {len(found.goals)} targets are reached"
    return shown


def _plots(found: Evaluation) -> dict[str, Figure]:
    plots = {
        RECALL_PLOT: recall_plot(found.measured),
        SLICES_PLOT: slices_plot(found.measured, shown_models(found.measured)),
    }
    return plots | ({KNOBS_PLOT: knobs_plot(found.knobbed, found.similar)} if found.similar else {})
