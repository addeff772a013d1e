"""Measures searching the index: ``python -m benchmarks.retrieval``."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.figures import write_figures
from benchmarks.retrieval.comparing import Row, Run, compare
from benchmarks.retrieval.freshness import freshness
from benchmarks.retrieval.shop import Shop
from benchmarks.retrieval.systems import SYSTEMS
from benchmarks.retrieval.systems.qdrant_system import QdrantEdge
from benchmarks.retrieval.systems.tandem import Tandem
from benchmarks.retrieval.tables import markdown, table

# qdrant-edge's graph takes too long to build for more, unless it is asked for by name.
QDRANT_MOST = 100_000
LIBRARIES = ("faiss-cpu", "usearch", "qdrant-edge-py", "numba", "numpy")


def main(
    sizes: Annotated[str, typer.Option(help="Numbers of products, with commas.")] = "100000,500000",
    engines: Annotated[str, typer.Option(help=f"With commas, of {', '.join(SYSTEMS)}.")] = "",
    rounds: Annotated[int, typer.Option(help="Rounds in which engines are timed in turn; medians are reported.")] = 5,
    seconds: Annotated[float, typer.Option(help="How long each engine is asked in a round.")] = 1.0,
    store: Annotated[Path, typer.Option(help="Figures go to STORE/bench, indexes to STORE/bench/retrieval.")] = Path(
        "var"
    ),
    again: Annotated[bool, typer.Option("--again", help="Build indexes that are built already.")] = False,
) -> None:
    """Measure our engine beside others; figures go to STORE/bench/retrieval.json, and as tables to retrieval.md.

    Without --engines all are measured, but qdrant-edge with no more than 100,000 products.
    """
    console = Console()
    run = Run(store / "bench" / "retrieval", rounds, seconds, again, console)
    rows: list[Row] = []
    for size in (int(part) for part in sizes.split(",")):
        names = [name for name in SYSTEMS if name != QdrantEdge.name or size <= QDRANT_MOST]
        rows += compare(Shop.open(size), engines.split(",") if engines else names, run)
        console.print(table([row for row in rows if row["n"] == size]))
    figures: dict[str, Any] = {"rows": rows}
    mine = [row for row in rows if row["engine"] == Tandem.name]
    if mine:
        seen = freshness(Shop.open(mine[0]["n"]), run.folder)
        figures |= seen.figures()
        console.print(f"an upsert is seen after {seen.p50_ms:.1f} ms, at the 99th percentile {seen.p99_ms:.1f} ms")
    figures["load_500k_s"] = next((row["load_s"] for row in mine if row["n"] == 500_000), None)
    figures["versions"] = {name: version(name) for name in LIBRARIES}
    path = write_figures(store, "retrieval", figures)
    path.with_suffix(".md").write_text(markdown(rows), "utf-8")
    console.print(f"figures: {path}, and as tables {path.with_suffix('.md')}")


if __name__ == "__main__":
    typer.run(main)
