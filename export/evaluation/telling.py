"""Tables of a report, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from export.evaluation.baselines.table import ALS, COUNTS, FROZEN, IN_CATEGORY
from export.evaluation.bootstrap import Interval
from export.evaluation.goals import Goal, ours
from export.evaluation.measuring import (
    CATEGORY_RECALL,
    DIVERSITY,
    FAMILY_NDCG,
    FAMILY_RECALL,
    HIT,
    MRR,
    NDCG,
    NOVELTY,
    RECALL,
    Measured,
)
from export.evaluation.shop import ALL, COLD, HEAD, TAIL

STRICT = (RECALL, "recall@20", "recall@50", NDCG, MRR)
REST = (FAMILY_RECALL, FAMILY_NDCG, CATEGORY_RECALL, HIT, DIVERSITY, NOVELTY)
HEADERS = {
    FAMILY_RECALL: "recall@10, family",
    FAMILY_NDCG: "nDCG@10, family",
    CATEGORY_RECALL: "recall@10, category",
    NDCG: "nDCG@10",
    MRR: "MRR",
    NOVELTY: "novelty, bits",
}


def shown_models(measured: Sequence[Measured]) -> Mapping[str, Sequence[str]]:
    """The models that a plot of slices shows, by task; more could not be told apart."""
    tasks = dict.fromkeys(one.task for one in measured)
    return {task: (ours(task), FROZEN, IN_CATEGORY, COUNTS, ALS) for task in tasks}


def strict_table(ones: Sequence[Measured]) -> list[str]:
    """Metrics of the very products, with the interval of recall@10."""
    rows = []
    for one in ones:
        figures = [_figure(one.figures[name].value) for name in STRICT]
        rows.append([f"`{one.model}`", figures[0], _ends(one.figures[RECALL]), *figures[1:]])
    headers = ["model", RECALL, "95 %", *(HEADERS.get(name, name) for name in STRICT[1:])]
    return markdown(headers, _marked(rows, (1, 3, 4, 5, 6)))


def lenient_table(ones: Sequence[Measured]) -> list[str]:
    """Metrics of families and categories, and how mixed the lists are."""
    rows = [
        [
            f"`{one.model}`",
            *(_figure(one.figures[name].value) for name in REST),
            f"{one.coverage:.3f}",
            f"{one.answered:.0%}",
        ]
        for one in ones
    ]
    return markdown(["model", *(HEADERS.get(name, name) for name in REST), "coverage@10", "answered"], rows)


def slices_table(measured: Sequence[Measured], task: str) -> list[str]:
    """Recall@10 by slice, with intervals."""
    models = list(dict.fromkeys(one.model for one in measured if one.task == task))
    known = {(one.model, one.slice): one for one in measured if one.task == task}
    parts = [part for part in (ALL, HEAD, TAIL, COLD) if any((model, part) in known for model in models)]
    rows = []
    for model in models:
        cells = []
        for part in parts:
            one = known[model, part]
            recall = one.figures[RECALL]
            cells.append(f"{_figure(recall.value)} ({_ends(recall)})" if one.answered else "cannot answer")
        rows.append([f"`{model}`", *cells])
    counts = [known[models[0], part].questions for part in parts]
    return markdown(["model", *(f"{part}, {count:,}" for part, count in zip(parts, counts, strict=True))], rows)


def goals_table(goals: Sequence[Goal]) -> list[str]:
    """What was to be reached, and what was."""
    rows = [
        [
            f"{goal.task}, {goal.slice}",
            goal.figure,
            f"`{goal.model}` / `{goal.other}`" + (f" on questions of {goal.other_task}" if goal.other_task else ""),
            f"{'above' if goal.bound == 1 else 'at least'} {goal.bound:g}",
            _figure(goal.ratio.value, 2),
            _ends(goal.ratio, 2),
            "yes" if goal.reached else "**no**",
        ]
        for goal in goals
    ]
    return markdown(["questions", "figure", "compared", "asked", "reached", "95 %", ""], rows)


def markdown(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table; all columns but the first are figures."""
    lines = [f"| {' | '.join(headers)} |", f"|---|{'---|' * (len(headers) - 1)}"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def _marked(rows: Sequence[list[str]], columns: Sequence[int]) -> list[list[str]]:
    """The best of each column in bold."""
    marked = [list(row) for row in rows]
    for column in columns:
        best = max((row[column] for row in rows), default="")
        for row in marked:
            row[column] = f"**{row[column]}**" if row[column] == best else row[column]
    return marked


def _figure(value: float, digits: int = 3) -> str:
    if np.isnan(value):
        return "-"
    return f"{value:.{digits}f}" if np.isfinite(value) else "∞"


def _ends(interval: Interval, digits: int = 3) -> str:
    return f"{_figure(interval.low, digits)} to {_figure(interval.high, digits)}"
