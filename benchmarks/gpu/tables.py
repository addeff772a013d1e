"""The figures as tables: for the console, and in Markdown for docs/results."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from rich.markup import escape
from rich.table import Table

from benchmarks.gpu.cases import Terms

Row = dict[str, Any]

COLUMNS = (
    "pass", "batch", "engine", "ms", "p95", "device ms", "graph ms", "new filter ms", "of roofline", "device part",
    "tiles", "recall@10", "GB", "",
)  # fmt: skip
SHORT = ("pass", "batch", "engine", "ms", "device ms", "of roofline", "recall@10", "GB")
UPDATE_COLUMNS = (
    "engine", "n", "dim", "patches/s", "p50 ms: quiet, storm", "p99 ms: quiet, storm", "seen after ms: p50, p99", ""
)  # fmt: skip
NOTHING = ""


def tables(rows: Sequence[Row], updates: Sequence[Row]) -> list[Table]:
    """One a shop, and one of the updates, for the console: what does not fit there is in the figures."""
    made = []
    for title, group in _shops(rows):
        shown = Table(*SHORT, title=title)
        for row in group:
            cells = dict(zip(COLUMNS, _cells(row), strict=True))
            shown.add_row(*(escape(cells[column]) for column in SHORT))
        made.append(shown)
    if updates:
        shown = Table(*UPDATE_COLUMNS[:-1], title="searches while products change")
        for row in updates:
            shown.add_row(*map(escape, _update_cells(row)[:-1]))
        made.append(shown)
    return made


def markdown(rows: Sequence[Row], updates: Sequence[Row], skipped: Sequence[Row]) -> str:
    """All of it, in Markdown."""
    parts = [f"**{title}**\n\n{_lines(COLUMNS, map(_cells, group))}" for title, group in _shops(rows)]
    if updates:
        parts.append(f"**Searches while products change**\n\n{_lines(UPDATE_COLUMNS, map(_update_cells, updates))}")
    if skipped:
        parts.append("**Not measured**\n\n" + "".join(f"- {about(row)}\n" for row in skipped))
    return "\n".join(parts)


def about(row: Row) -> str:
    """What was not measured, and why."""
    where = [str(row[name]) for name in ("engine",) if name in row]
    where += [f"{row['n']:,} x {row['dim']}"] if "n" in row else []
    return f"{', '.join(where)}: {row['why']}"


def _shops(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    grouped = groupby(rows, lambda row: (row["n"], row["dim"]))
    return [(f"{n:,} products x {dim}", list(group)) for (n, dim), group in grouped]


def _lines(columns: Sequence[str], cells: Any) -> str:
    return "".join(f"| {' | '.join(line)} |\n" for line in (columns, ("---",) * len(columns), *cells))


def _cells(row: Row) -> tuple[str, ...]:
    return (
        str(Terms(row["filters"], row["pass_rate"], row["ranked"])),
        str(row["batch"]),
        row["engine"],
        f"{row['ms']:.3f}",
        f"{row['p95_ms']:.3f}",
        *(_number(row[name]) for name in ("device_ms", "graph_ms", "new_filter_ms")),
        *(_share(row[name]) for name in ("roofline_fraction", "device_roofline_fraction", "tiles_roofline_fraction")),
        f"{row['recall_at_10']:.4f}",
        f"{row['memory_gb']:.2f}",
        "; ".join([*(f"FAILED: {failure}" for failure in row["failures"]), *filter(None, [row["note"]])]),
    )


def _update_cells(row: Row) -> tuple[str, ...]:
    return (
        row["engine"],
        f"{row['n']:,}",
        str(row["dim"]),
        f"{row['patches_a_second']:,.0f}",
        f"{row['quiet_ms']:.3f}, {row['ms']:.3f}",
        f"{row['quiet_p99_ms']:.3f}, {row['p99_ms']:.3f}",
        f"{row['seen_p50_ms']:.3f}, {row['seen_p99_ms']:.3f}",
        "; ".join(f"FAILED: {failure}" for failure in row["failures"]),
    )


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.0%}"
