"""``python -m deploy check-engines``: run where the server will run, before it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from deploy.engine_stamp import check_engines
from deploy.errors import DeployError
from deploy.store import find_newest

_console = Console()
_errors = Console(stderr=True)


def check_engines_here(
    store: Annotated[Path, typer.Option(help="Folder that `python -m export release` wrote.")] = Path("var"),
) -> None:
    """Refuse the newest release if its TensorRT engines do not fit this machine."""
    try:
        release = find_newest(store)
        fitting = check_engines(release)
    except DeployError as error:
        _errors.print(Text.assemble(("error: ", "bold red"), str(error)), soft_wrap=True)
        raise typer.Exit(1) from error
    told = f"{fitting} of its engines run here" if fitting else "has no engines"
    _console.print(f"release {release.number}: {told}")
