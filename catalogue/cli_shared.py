"""What the commands share: options, exit codes, and how an error is told."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from catalogue.cli_interrupts import Interrupts
from catalogue.errors import (
    BadColumns,
    BadEntry,
    BadRows,
    CatalogueError,
    DatabaseMissing,
    DatabaseUnavailable,
    DatabaseUnusable,
    UnreadableCatalogue,
    UnwritableFile,
    WriteFailed,
)

FAILED, MISTAKE, UNAVAILABLE, INTERRUPTED = 1, 2, 3, 130
DEFAULT_URL = "sqlite:///var/catalogue.sqlite"

# The first class that fits tells the exit code and what to do about it
ADVICE: tuple[tuple[type[CatalogueError], int, str], ...] = (
    (BadRows, MISTAKE, "mend the rows, or go on without them with --skip-bad-rows"),
    (BadColumns, MISTAKE, ""),
    (UnreadableCatalogue, MISTAKE, ""),
    (UnwritableFile, MISTAKE, ""),
    (BadEntry, MISTAKE, ""),
    (DatabaseUnusable, MISTAKE, ""),
    (DatabaseMissing, UNAVAILABLE, ""),
    (DatabaseUnavailable, UNAVAILABLE, ""),
    (WriteFailed, FAILED, ""),
    (CatalogueError, FAILED, ""),
)

Url = Annotated[
    str,
    typer.Option(
        "--catalogue",
        metavar="URL",
        help="The database: sqlite:///FILE or postgresql+psycopg://...",
        envvar="TANDEM_CATALOGUE",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

errors = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def mistakes_told() -> Iterator[Interrupts]:
    """Turn an error into a message, what to do about it, and an exit code; SIGTERM ends as Ctrl-C does."""
    interrupts = Interrupts()
    try:
        with interrupts.watched():
            yield interrupts
    except CatalogueError as error:
        code, advice = next((code, advice) for kind, code, advice in ADVICE if isinstance(error, kind))
        errors.print(f"error: {error}" + (f"\n{advice}" if advice else ""))
        raise typer.Exit(code) from None
    except KeyboardInterrupt:
        told = "`status` tells what was written" if interrupts.forced else "nothing was written"
        errors.print(f"interrupted: {told}")
        raise typer.Exit(INTERRUPTED) from None


def objects(told: str | None) -> Sequence[str | bytes]:
    """JSON objects from the command line, or else the lines of standard input.

    Raises:
        Exit: There is none.
    """
    if told is not None and told != "-":
        return [told]
    # As bytes: text has more ends of lines than JSON has, and who parses a line tells what is not UTF-8.
    lines = [line for line in sys.stdin.buffer.read().split(b"\n") if line.strip()]
    if not lines:
        refuse(["nothing was given; allowed: one JSON object as the argument, or one a line of standard input"])
    return lines


def tell(**facts: Any) -> None:
    """Print one JSON object on a line."""
    typer.echo(json.dumps(facts, ensure_ascii=False))


def refuse(problems: list[str]) -> NoReturn:
    """Tell every mistake of the caller's, and end.

    Raises:
        Exit: Always.
    """
    for problem in problems:
        errors.print(f"error: {problem}")
    errors.print("nothing was written")
    raise typer.Exit(MISTAKE)


def progress() -> Progress:
    """A bar on standard error, for work that counts products."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
