"""The command ``python -m export compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from catalogue import CatalogueError
from ensemble.errors import EnsembleError
from export.compare.metrics import METRICS
from export.errors import ExportError, GateFailed

USERS_MISTAKE = 2
FAILED_GATE = 1
DEFAULT_METRIC = "ndcg@10"


def compare(  # noqa: PLR0913, PLR0917 - one option a setting
    catalogue: Annotated[str, typer.Option(help="Products, as for `release`.")],
    queries: Annotated[Path, typer.Option(help="Labelled queries, JSONL; see export/queries.py.")],
    towers: Annotated[list[Path], typer.Option(help="Towers files, two or more: --towers a.toml b.toml c.toml.")],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[TOWERS]...", show_default=False)] = None,
    columns: Annotated[Path | None, typer.Option(help="Which column holds which field, for all towers.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="text or image; what FILE has, by default.")] = None,
    metric: Annotated[str, typer.Option(help=f"Quality of the Pareto front: {', '.join(METRICS)}.")] = DEFAULT_METRIC,
    out: Annotated[Path, typer.Option(help="Folder for compare.json, compare.svg, compare.png.")] = Path("var/compare"),
) -> None:
    """Compare towers: quality on labelled queries beside latency and size, and which of them no other beats."""
    if metric not in METRICS:
        raise typer.BadParameter(f"`metric` must be one of {', '.join(METRICS)}, got {metric!r}")
    from export.compare.output import tables, write
    from export.compare.run import Comparison
    from export.compare.run import compare as run

    console = Console(stderr=True)
    asked = Comparison((*towers, *(more or ())), queries, catalogue, columns, tuple(kind or ()))
    try:
        with Progress(console=console) as progress:
            standings = run(asked, progress)
    except GateFailed as error:
        _fail(console, error, FAILED_GATE)
    except (CatalogueError, ExportError, EnsembleError) as error:
        _fail(console, error, USERS_MISTAKE)
    for table in tables(standings, metric):
        Console().print(table)
    written = ", ".join(map(str, write(out, asked, standings, metric)))
    console.print(f"Written to {written}", soft_wrap=True)


def _fail(console: Console, error: Exception, code: int) -> NoReturn:
    console.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
    raise typer.Exit(code) from error
