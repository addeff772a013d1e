"""The command line: ``python -m export release``."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from catalogue import BadRows, CatalogueError
from ensemble.errors import EnsembleError
from ensemble.release import Manifest, manifest_path, release_folder
from export.errors import ExportError, GateFailed
from export.order import DEFAULT_TOWERS, Order
from export.reading import SKIPPED_ROWS

USERS_MISTAKE = 2
FAILED_GATE = 1
INTERRUPTED = 130

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """Make releases from towers and a catalogue."""


@app.command()
def release(
    catalogue: Annotated[
        str, typer.Option(help="Products: .jsonl, .csv, .tsv or .parquet; a path or a URL of fsspec.")
    ],
    towers: Annotated[
        Path,
        typer.Option(help="Where the towers come from; see export/towers_file.py.", show_default="the sample's"),
    ] = DEFAULT_TOWERS,
    columns: Annotated[Path | None, typer.Option(help="Which column holds which field; a TOML file.")] = None,
    target: Annotated[str, typer.Option(help="What the towers run on.")] = "cpu",
    store: Annotated[Path, typer.Option(help="Where releases go.")] = Path("var"),
    *,
    skip_bad_rows: Annotated[
        bool, typer.Option("--skip-bad-rows", help="Go on without rows that cannot become products.")
    ] = False,
) -> None:
    """Make the next release: towers, repository, index, probe and manifest."""
    console = Console(stderr=True)
    try:
        order = Order(catalogue, store, towers, columns, target, skip_bad_rows)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    with _told(console), _terminated_as_interrupted(), _progress(console) as progress:
        from export.release import make_release

        manifest = make_release(order, progress)
    _report(console, manifest, store)


@contextmanager
def _told(console: Console) -> Iterator[None]:
    """Show what went wrong in plain words, and exit with the code that says whose turn it is."""
    try:
        yield
    except GateFailed as error:
        _fail(console, f"The release failed its gate. {error}", FAILED_GATE)
    except BadRows as error:
        _fail(console, f"{error}\nMend the rows, or go on without them with --skip-bad-rows.", USERS_MISTAKE)
    except (CatalogueError, ExportError, EnsembleError) as error:
        _fail(console, str(error), USERS_MISTAKE)
    except KeyboardInterrupt:
        _fail(console, "Interrupted. Nothing was released; the store is as it was.", INTERRUPTED)


def _fail(console: Console, message: str, code: int) -> NoReturn:
    console.print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True, highlight=False)
    raise typer.Exit(code)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM end an export as Ctrl-C does, leaving nothing half-made."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Rate(ProgressColumn):
    """Units a second, where a step counts units."""

    def render(self, task: Task) -> Text:
        unit = task.fields.get("unit", "")
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.1f} {unit}/s" if unit and speed else "", style="cyan")


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )


def _report(console: Console, manifest: Manifest, store: Path) -> None:
    table = Table("step", "seconds", "figures", title=f"Release {manifest.release}")
    for step in manifest.steps:
        figures = ", ".join(f"{name} {_shown(value)}" for name, value in step.figures.items())
        table.add_row(step.name, f"{step.seconds:.1f}", figures)
    console.print(table)
    for note in manifest.notes:
        console.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
    skipped = manifest.figures["skipped_rows"]
    if skipped:
        listed_in = release_folder(store, manifest.release) / SKIPPED_ROWS
        console.print(f"[yellow]{skipped} bad row(s) were left out; each is named in {listed_in}[/]", soft_wrap=True)
    console.print(f"Written to {manifest_path(store, manifest.release)}", soft_wrap=True)


def _shown(value: object) -> str:
    return f"{value:.2g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
