"""The whole served path with the GPU engine, beside the engine of main memory: ``python -m benchmarks.gpu.served``.

Every answer is held to that of the same release in this process, searched exactly. With ``TRITON_INTERPRET=1`` kernels
are interpreted on the CPU: answers are the same, times say nothing.

Exit codes: 0 all answers agree; 1 some do not, or the server failed; 2 there is no GPU, no release, or no sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.figures import write_figures
from benchmarks.gpu.serving.proving import KINDS, Order, Served, prove
from benchmarks.gpu.serving.questions import questions
from clients import TandemError
from deploy.errors import CannotStart, DeployError
from ensemble.errors import EnsembleError
from ensemble.index.gpu.device import device_here, is_interpreted
from ensemble.index.gpu.errors import NoGpu

FAILED, CANNOT_PROVE = 1, 2
PATIENCE_S, INTERPRETED_PATIENCE_S = 300.0, 3_600.0
SHOWN = 10

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console()


@app.command()
def served(
    store: Annotated[Path, typer.Option(help="Store with a release.")] = Path("var"),
    sample: Annotated[
        Path | None, typer.Option(help="Folder with catalogue.jsonl and photos.", show_default="STORE/sample")
    ] = None,
    engine: Annotated[list[str], typer.Option(help="Engines to serve with.")] = ["gpu", "cpu"],  # noqa: B006
    count: Annotated[int, typer.Option("--questions", min=1, help="How many searches each is asked.")] = 300,
) -> None:
    """Serve a store with the GPU engine and compare every answer; figures go to STORE/bench/gpu-served.json."""
    with _told():
        if any(name.startswith("gpu") for name in engine):
            device_here()
        patience_s = INTERPRETED_PATIENCE_S if is_interpreted() else PATIENCE_S
        order = Order(store, questions(sample or store / "sample", count), tuple(engine), patience_s)
        found = prove(order, lambda what: console.print(f"[dim]{what}[/dim]"))
    path = write_figures(
        store, "gpu-served", {"engines": [one.figures() for one in found], "interpreted": is_interpreted()}
    )
    show(found)
    console.print(f"figures: {path}", soft_wrap=True)
    if any(one.failures for one in found):
        raise typer.Exit(FAILED)


def show(found: list[Served]) -> None:
    """Print the table, and what failed."""
    table = Table("engine", *(f"{kind}: p50 ms" for kind in KINDS), "scores differ by", "writes seen after ms", "")
    for one in found:
        figures = one.figures()
        table.add_row(
            one.engine,
            *(f"{figures['p50_ms'].get(kind, float('nan')):.2f}" for kind in KINDS),
            f"{one.largest_difference:.1e}",
            ", ".join(f"{name} {taken:.1f}" for name, taken in one.seen_ms.items()) or "no catalogue",
            "[red]failed[/red]" if one.failures else "[green]agrees[/green]",
        )
    console.print(table)
    for failure in (failure for one in found for failure in one.failures[:SHOWN]):
        console.print(f"[bold red]failed:[/] {escape(failure)}", soft_wrap=True, highlight=False)


@contextmanager
def _told() -> Iterator[None]:
    """Show what went wrong in plain words."""
    try:
        yield
    except (NoGpu, CannotStart, FileNotFoundError) as error:
        _fail(str(error), CANNOT_PROVE)
    except (TandemError, DeployError, EnsembleError) as error:
        _fail(str(error), FAILED)


def _fail(message: str, code: int) -> None:
    console.print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True, highlight=False)
    raise typer.Exit(code)


if __name__ == "__main__":
    app()
