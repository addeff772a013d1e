"""``python -m deploy watch``: the command line."""

from __future__ import annotations

import logging
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.text import Text

from deploy.errors import DeployError, NoRelease
from deploy.events import logger
from deploy.signals import stop_on_signals
from deploy.watching.bounds import DEFAULT, Bounds, read_bounds
from ensemble.release import releases

BREACHED = 3
_PORT = 8004


def watch(
    *,
    store: Annotated[Path, typer.Option(help="Folder that `python -m export release` wrote.")] = Path("var"),
    bounds: Annotated[
        Path | None,
        typer.Option(help="TOML file of what a release may not do.", show_default="deploy/watching/watch.toml"),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Look once, switch nothing; ends with 0 where all is well, with 3 where not.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, and switch nothing.")] = False,
    metrics_port: Annotated[
        int, typer.Option(help="Of this program's own Prometheus metrics, on loopback; 0 for none.", min=0, max=65_535)
    ] = _PORT,
) -> None:
    """Roll back by itself when a new release, or one on trial, breaches its bounds; runs beside `deploy serve`."""
    handler = RichHandler(console=Console(stderr=True), show_path=False, show_level=False)
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[handler])
    try:
        read = read_bounds(bounds)
        if not releases(store):
            raise NoRelease(f"{store} holds no release to watch: name the folder that `deploy serve` serves")
        if once:
            sys.exit(_once(store, read))
        _run(store, read, metrics_port, bounds or DEFAULT, dry_run=dry_run)
    except ModuleNotFoundError as error:
        _fail(f"the package {error.name} is not installed: install it with `pip install 'tandem[serve]'`")
    except DeployError as error:
        _fail(str(error))


def _run(store: Path, bounds: Bounds, metrics_port: int, path: Path, *, dry_run: bool) -> None:
    from prometheus_client import CollectorRegistry

    from deploy.operate import Operator
    from deploy.watching.looking import Looker
    from deploy.watching.metrics import WatchMetrics, serving
    from deploy.watching.sources import sources_of
    from deploy.watching.watch import Watch

    registry = CollectorRegistry()
    with sources_of(store, bounds.question_s) as sources, serving(registry, metrics_port):
        switches = None if dry_run else Operator(store)
        watching = Watch(store, bounds, Looker(store, bounds, sources), switches, WatchMetrics(registry))
        stop_on_signals(watching.stop)
        logger.info("watching the server over %s, held to %s", store, path)
        watching.run()


def _once(store: Path, bounds: Bounds) -> int:
    """Look once, tell it; the exit code."""
    from deploy.watching.looking import Looker
    from deploy.watching.once import judge_once
    from deploy.watching.report import table_of
    from deploy.watching.sources import sources_of
    from deploy.watching.uptime import Uptime

    stopping = threading.Event()
    stop_on_signals(stopping.set)
    with sources_of(store, bounds.question_s) as sources:
        seen = Looker(store, replace(bounds, grace_s=0.0), sources, percentiles_s=0.0).look(stopping.wait)
    found = judge_once(seen, bounds)
    console = Console()
    console.print(table_of(seen, Uptime(store)))
    for breach in found:
        console.print(Text(breach.sentence, "red" if breach.excuse is None else "yellow"), soft_wrap=True)
    return BREACHED if any(breach.excuse is None for breach in found) else 0


def _fail(problem: str) -> NoReturn:
    Console(stderr=True).print(Text.assemble(("error: ", "bold red"), problem), soft_wrap=True)
    sys.exit(1)
