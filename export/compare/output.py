"""What a comparison leaves: a table, JSON, and the plot as SVG and PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.markup import escape
from rich.table import Table

from export import plotting
from export.compare.metrics import METRICS
from export.compare.plot import QUERIES, draw
from export.compare.run import Comparison
from export.compare.standings import Standing, on_front, write_json
from export.identity import versions
from export.machine import machine

HEADERS = ("R@1", "R@5", "R@10", "MRR", "nDCG@10")
MARK = " *"
JSON, SVG, PNG = "compare.json", "compare.svg", "compare.png"


def tables(standings: Sequence[Standing], metric: str) -> list[Table]:
    """A table for each kind of query; those on the Pareto front have a star."""
    marked = list(zip(standings, on_front(standings, metric), strict=True))
    made = []
    for kind in dict.fromkeys(one.kind for one in standings):
        chosen = [(one, mark) for one, mark in marked if one.kind == kind]
        made.append(_table(f"{chosen[0][0].queries:,} {QUERIES[kind]}", chosen))
    made[-1].caption = f"ms: of a batch of 1 and 32, one thread; *: Pareto front of {metric}, ms b1, MB"
    return made


def _table(title: str, chosen: Sequence[tuple[Standing, bool]]) -> Table:
    shown = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    shown.add_column("towers", no_wrap=True, min_width=max(len(one.towers) for one, _ in chosen) + len(MARK))
    for name in (*HEADERS, "ms b1", "ms b32", "MB"):
        shown.add_column(name, justify="right", no_wrap=True)
    for one, mark in chosen:
        figures = (*(f"{one.quality[name]:.3f}" for name in METRICS), f"{one.ms_b1:.2f}", f"{one.ms_b32:.1f}")
        name = escape(one.towers) + (MARK if mark else "")
        shown.add_row(name, *figures, f"{one.bytes / 1e6:.1f}", style="bold" if mark else "")
    return shown


def write(folder: Path, asked: Comparison, standings: Sequence[Standing], metric: str) -> tuple[Path, ...]:
    """Write JSON, SVG and PNG; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = {
        "catalogue": asked.catalogue,
        "queries": str(asked.queries),
        "towers": [str(path) for path in asked.towers],
        "measured": {**machine(), "threads": "1", "precision": "fp32", "runtime": "ONNX Runtime, CPU"},
        "versions": versions(),
    }
    write_json(folder / JSON, standings, metric, facts)
    figure = draw(standings, metric)
    (folder / SVG).write_text(plotting.svg(figure), "utf-8")
    (folder / PNG).write_bytes(plotting.png(figure))
    return folder / JSON, folder / SVG, folder / PNG
