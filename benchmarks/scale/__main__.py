"""Works out the fleets of ``docs/scale.md``: ``python -m benchmarks.scale``; what they are made of: ``... measure``."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from benchmarks.figures import write_figures
from benchmarks.scale.document import DOCUMENT, blocks, filled
from benchmarks.scale.figures import DOCS, read
from benchmarks.scale.model import Assumptions

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console()


@app.callback(invoke_without_command=True)
def tables(
    context: typer.Context,
    dim: Annotated[int, typer.Option(min=1, help="Length of a row.")] = 384,
    remembered: Annotated[float, typer.Option(min=0, max=1, help="Share that the towers' caches answer.")] = 0.0,
    p99_ms: Annotated[float, typer.Option(min=1, help="What the slowest hundredth may take.")] = Assumptions().p99_ms,
    write: Annotated[bool, typer.Option("--write", help="Into docs/scale.md, with what it is made with.")] = False,
) -> None:
    """Show the tables; measured figures come from docs/results."""
    if context.invoked_subcommand:
        return
    if write and (dim, remembered, p99_ms) != (384, 0.0, Assumptions().p99_ms):
        raise typer.BadParameter("docs/scale.md is written as it stands: without --dim, --remembered and --p99-ms")
    assumed = replace(Assumptions(), p99_ms=p99_ms)
    made = {name: make() for name, make in blocks(read(), assumed, dim=dim, remembered=remembered).items()}
    for name, table in made.items():
        console.print(f"\n[bold]{name}[/bold]")
        console.print(Markdown(table))
    if write:
        DOCUMENT.write_text(filled(DOCUMENT.read_text("utf-8"), made), "utf-8")
        console.print(f"written: {DOCUMENT}")


@app.command()
def measure(
    store: Annotated[Path, typer.Option(help="Figures go to STORE/bench/scale.json.")] = Path("var"),
    searches: Annotated[int, typer.Option(help="Products that the CPU engine searches.")] = 500_000,
) -> None:
    """Measure bytes of a product, the Python of `retrieve` and the spread of the CPU engine's time (some minutes)."""
    from benchmarks.retrieval.shop import Shop
    from benchmarks.scale.hosts import host_figures
    from benchmarks.scale.searches import search_figures

    with tempfile.TemporaryDirectory() as folder:
        figures = host_figures(Path(folder) / "host")
        figures["search"] = search_figures(Shop.open(searches), Path(folder) / "search")
    path = write_figures(store, "scale", figures)
    console.print(f"figures: {path}; docs/scale.md is made with those in {DOCS / 'results' / 'scale.json'}")


if __name__ == "__main__":
    app()
