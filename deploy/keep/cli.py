"""``python -m deploy keep``: the keeper's command line."""

from __future__ import annotations

import logging
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.text import Text

from deploy.errors import CannotStart, DeployError
from deploy.events import Event, logger
from deploy.keep.options import KeepOptions
from deploy.living import Living, find_living
from deploy.signals import stop_on_signals
from ensemble.variables import CATALOGUE

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
    snapshots: Annotated[
        bool, typer.Option(help="Write snapshots of the index that is searched; not where that is a Milvus.")
    ] = True,
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
        options = KeepOptions(snapshot_every, min_changes, trim, snapshots=snapshots)
        _run(store, _living(store, catalogue), server, options, once=once)
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
    stop_on_signals(keeper.stop)
    if not once:
        keeper.run()
        return
    try:
        # In a thread: signals reach only the main one, which a long step would keep busy.
        with ThreadPoolExecutor(1) as pool:
            events = pool.submit(keeper.once).result()
    except TROUBLE as error:
        _fail(str(error))
    else:
        _summarise(events, options)


def _summarise(events: list[Event], options: KeepOptions) -> None:
    """What was done has been told as it happened; what was not is told here."""
    kinds = {event.kind for event in events}
    if "embedded" not in kinds:
        logger.info("nothing was embedded")
    if options.snapshots and "snapshot_written" not in kinds:
        logger.info("no snapshot was written; one is due %s changes after the newest", f"{options.min_changes:,}")


def _fail(problem: str) -> None:
    Console(stderr=True).print(Text.assemble(("error: ", "bold red"), problem), soft_wrap=True)
    sys.exit(1)
