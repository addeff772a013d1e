"""What the operator's commands share: options, exit codes, and how an error is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from deploy.errors import DeployError, ServerAway

if TYPE_CHECKING:
    from deploy.switching.values import By, Status

Store = Annotated[Path, typer.Option(help="Folder that `python -m export release` wrote.")]
Why = Annotated[str, typer.Option(metavar="TEXT", help="The reason, for the audit log.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def ordered_by(why: str) -> By:
    """This user, with a reason."""
    from deploy.operate.client import this_user
    from deploy.switching.values import By

    return By(this_user(), why)


def running_status(store: Path) -> Status | None:
    """What the running server answers from; None where none runs."""
    from deploy.operate import Operator

    try:
        return Operator(store).status()
    except ServerAway:
        return None


@contextmanager
def mistakes_told() -> Iterator[None]:
    """Turn an error into a message and an exit code."""
    try:
        yield
    except ModuleNotFoundError as error:
        _fail(f"the package {error.name} is not installed: install it with `pip install 'tandem[serve]'`")
    except (DeployError, ValueError, OSError) as error:
        _fail(str(error))


def _fail(problem: str) -> NoReturn:
    Console(stderr=True).print(Text.assemble(("error: ", "bold red"), problem), soft_wrap=True)
    raise typer.Exit(1)
