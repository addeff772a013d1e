"""What the commands have in common: how they tell of what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from catalogue import BadRows, CatalogueError
from ensemble.errors import EnsembleError
from export.errors import ExportError, GateFailed

USERS_MISTAKE = 2
FAILED_GATE = 1
INTERRUPTED = 130


@contextmanager
def told(console: Console) -> Iterator[None]:
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
