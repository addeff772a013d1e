"""``python -m deploy keep``: the keeper's command line."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.text import Text

from deploy.errors import CannotStart, DeployError
from deploy.keep.options import KeepOptions
from deploy.living import CATALOGUE, Living, find_living

_NICE = 10


def keep(  # noqa: PLR0913 -- an option each
    *,
    store: Annotated[Path, typer.Option(help="Folder that `python -m export release` wrote.")] = Path("var"),
    catalogue: Annotated[
        str | None,
        typer.Option(
            help="Database that the index follows.", envvar=CATALOGUE, show_envvar=True, show_default="the store's own"
        ),
    ] = None,
    server: Annotated[
        str | None, typer.Option(help="grpc://host:port of the server.", show_default="the one that serves the store")
    ] = None,
    snapshot_every: Annotated[
        float, typer.Option(help="Least time between two snapshots, in seconds.")
    ] = KeepOptions.snapshot_every_s,
    min_changes: Annotated[
        int, typer.Option(help="Least number of changes that a snapshot is written for.")
    ] = KeepOptions.min_changes,
    trim: Annotated[
        bool, typer.Option("--trim", help="Forget journal entries that no kept snapshot of this store needs.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="Do what there is to do, and end.")] = False,
    parent: Annotated[int | None, typer.Option(hidden=True, help="End with this process, which started it.")] = None,
) -> None:
    """Write snapshots of the living index, and embed products that have no vector; `deploy serve` runs it by itself."""
    os.nice(_NICE)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    handler = RichHandler(console=Console(stderr=True), show_path=False, show_level=False)
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[handler])
    try:
        if parent is not None:
            from deploy.keep.process import die_with

            die_with(parent)
        _run(store, _living(store, catalogue), server, KeepOptions(snapshot_every, min_changes, trim), once=once)
    except ModuleNotFoundError as error:
        _fail(f"the package {error.name} is not installed: install it with `pip install 'tandem[serve]'`")
    except (DeployError, ValueError) as error:
        _fail(str(error))


def _living(store: Path, catalogue: str | None) -> Living:
    living = find_living(store, catalogue)
    if living is None:
        raise CannotStart(f"{store} has no catalogue of its own: name one with --catalogue")
    return living


def _run(store: Path, living: Living, server: str | None, options: KeepOptions, *, once: bool) -> None:
    from deploy.keep.keeper import TROUBLE, Keeper

    keeper = Keeper(store, living, server, options)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: keeper.stop())
    if not once:
        keeper.run()
        return
    try:
        keeper.once()
    except TROUBLE as error:
        _fail(str(error))


def _fail(problem: str) -> None:
    Console(stderr=True).print(Text.assemble(("error: ", "bold red"), problem), soft_wrap=True)
    sys.exit(1)
