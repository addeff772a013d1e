"""The figures as tables: for the console, and in Markdown for docs/results."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.table import Table

from benchmarks.retrieval.comparing import Row

COLUMNS = ("pass", "engine", "recall@10", "p50 ms", "QPS, 2 threads", "new filter, p50 ms", "setting", "build s", "MB")


def table(rows: Sequence[Row]) -> Table:
    """One size, for the console."""
    shown = Table(*COLUMNS, title=f"{rows[0]['n']:,} products")
    for _, group in groupby(rows, lambda row: row["pass_rate"]):
        for row in group:
            shown.add_row(*_cells(row))
        shown.add_section()
    return shown


def markdown(rows: Sequence[Row]) -> str:
    """All sizes, in Markdown."""
    parts = []
    for size, group in groupby(rows, lambda row: row["n"]):
        lines = [COLUMNS, ("---",) * len(COLUMNS), *map(_cells, group)]
        parts.append(f"**{size:,} products**\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines))
    return "\n".join(parts)


def _cells(row: Row) -> tuple[str, ...]:
    new = row.get("p50_ms_new_filter")
    return (
        f"{row['pass_rate']:.1%}",
        row["engine"],
        f"{row['recall_at_10']:.4f}" + ("" if row["reached"] else " (missed)"),
        f"{row['p50_ms']:.3f}",
        f"{row['qps_2_threads']:,.0f}",
        "" if new is None else f"{new:.3f}",
        str(row["setting"] or ""),
        f"{row['build_s']:.0f}",
        f"{row['memory_mb']:.0f}",
    )
