"""Judges a served release end to end: recall@10 of what the server answers, against exact retrieval in FP32.

    python -m benchmarks.served --store var --queries var/sample/queries.jsonl

Every query goes to the real server through the client. What it is compared with is worked out apart: the release's
products embedded with its FP32 graphs, and searched in numpy with its weights. Exit codes: 0 passed; 1 a bound is not
kept, or the server failed; 2 there was nothing to judge, or nothing to judge by.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from benchmarks.figures import write_figures
from benchmarks.served.judging import K
from benchmarks.served.reference import Advance
from benchmarks.served.running import Order, Outcome, run
from benchmarks.served.values import KINDS, Judged
from catalogue import CatalogueError
from clients import TandemError
from deploy.errors import CannotStart, DeployError
from ensemble.errors import EnsembleError
from export.errors import ExportError

FAILED, NOTHING_JUDGED = 1, 2
ROWS = (
    "queries",
    "recall@10 of FP32",
    "least allowed",
    "score difference, mean",
    "score difference, largest",
    "labelled queries",
    "recall@1: FP32, served",
    "recall@5: FP32, served",
    "",
)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console()


@app.command()
def served(
    queries: Annotated[Path, typer.Option(help="held-out queries, .jsonl; see export/queries.py")],
    store: Annotated[Path, typer.Option(help="store with the release")] = Path("var"),
    release: Annotated[int | None, typer.Option(help="its number", show_default="the newest")] = None,
    url: Annotated[str | None, typer.Option(help="a server that runs", show_default="one is started")] = None,
    recall: Annotated[
        float | None, typer.Option(help="least recall@10", show_default="that of the served precision")
    ] = None,
) -> None:
    """Judge a served release; figures go to STORE/bench/served.json."""
    try:
        order = Order(store, queries, release, url, recall)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    with _told(), Progress(console=console, transient=True) as progress:

        def start(count: int) -> Advance:
            task = progress.add_task("catalogue in FP32", total=count)
            return lambda done: progress.advance(task, done)

        outcome = run(order, start)
    path = write_figures(store, "served", figures(outcome))
    show(outcome)
    console.print(f"figures in [bold]{path}[/bold]", soft_wrap=True)
    if any(one.failures for one in outcome.judged):
        raise typer.Exit(FAILED)


def figures(outcome: Outcome) -> dict[str, object]:
    """As JSON types; a kind of queries that there were none of is ``None``."""
    found = {one.kind: one.as_dict() for one in outcome.judged}
    return {
        "release": outcome.release,
        "precision": outcome.precisions,
        "passed": not any(one.failures for one in outcome.judged),
        **{kind: found.get(kind) for kind in KINDS},
    }


def show(outcome: Outcome) -> None:
    """Print the table, what was not judged, and what failed."""
    towers = ", ".join(f"{name} {precision}" for name, precision in outcome.precisions.items())
    table = Table("", title=f"release {outcome.release} as served ({towers}), against FP32")
    for one in outcome.judged:
        table.add_column(f"{one.kind} queries", justify="right")
    for cells in zip(ROWS, *map(_column, outcome.judged), strict=True):
        table.add_row(*cells)
    console.print(table)
    for kind in KINDS:
        if all(one.kind != kind for one in outcome.judged):
            console.print(f"[yellow]no {kind} query: {kind} search was not judged[/yellow]")
    for failure in (failure for one in outcome.judged for failure in one.failures):
        console.print(f"[bold red]failed:[/] {escape(str(failure))}", soft_wrap=True, highlight=False)
        for worst in failure.worst:
            console.print(f"  {escape(worst)}", soft_wrap=True, highlight=False)


def _column(one: Judged) -> list[str]:
    found = one.labelled
    labelled = (
        ["", "no labels", "no labels"]
        if found is None
        else [f"{found.queries:,}", *(f"{found.reference[k]:.3f}  {found.candidate[k]:.3f}" for k in (1, 5))]
    )
    return [
        f"{one.queries:,}",
        f"{one.recall_at_10:.4f}" + ("" if one.k_at_10 == K else f" (first {one.k_at_10})"),
        f"{one.bound:g}",
        f"{one.score_mean:.6f}",
        f"{one.score_max:.6f}",
        *labelled,
        "[red]failed[/red]" if one.failures else "[green]passed[/green]",
    ]


@contextmanager
def _told() -> Iterator[None]:
    """Show what went wrong in plain words."""
    try:
        yield
    except (CannotStart, ExportError, EnsembleError, CatalogueError) as error:
        _fail(str(error), NOTHING_JUDGED)
    except (TandemError, DeployError) as error:
        _fail(str(error), FAILED)


def _fail(message: str, code: int) -> None:
    console.print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True, highlight=False)
    raise typer.Exit(code)


if __name__ == "__main__":
    app()
