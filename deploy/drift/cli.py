"""``python -m deploy drift``: what a release is asked for, beside what it was made for."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.drift import DriftReport, Monitor, release_encoder
from deploy.drift.explaining import meaning
from deploy.errors import DeployError
from deploy.live import read_live
from deploy.store import find_release

_console, _errors = Console(), Console(stderr=True)


def drift(
    *,
    store: Annotated[Path, typer.Option(help="Folder that `python -m export release` wrote.")] = Path("var"),
    release: Annotated[
        int | None, typer.Option(help="Whose traffic is looked at.", show_default="the live one")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Compare the live traffic of the last hour with the release's baseline; exits with 1 on an alarm."""
    try:
        number = _live(store) if release is None else release
        report = Monitor(store, number, encode=release_encoder(store, number)).look()
    except DeployError as error:
        _errors.print(f"[bold red]error:[/] {error}", soft_wrap=True)
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(json.dumps(None if report is None else asdict(report), indent=2))
    elif report is None:
        _console.print(f"Release {number} has had too few different requests within the last hour to tell.")
    else:
        _show(report)
    if report is not None and report.alarm:
        raise typer.Exit(1)


def _live(store: Path) -> int:
    live = read_live(store)
    return find_release(store).number if live is None else live.release


def _show(report: DriftReport) -> None:
    table = Table("statistic", "what", "samples", "distance", "threshold", "before", "now", "", title_justify="left")
    table.title = f"release {report.release}, baseline: {report.source}"
    for one in report.statistics:
        shown = ("" if value is None else f"{value:.4g}" for value in (one.before, one.now))
        state = "[bold red]alarm[/]" if one.alarm else "[yellow]beyond[/]" if one.beyond else "[green]usual[/]"
        values = (str(one.samples), f"{one.value:.4f}", f"{one.threshold:.4f}")
        table.add_row(one.name, meaning(one.name), *values, *shown, state)
    _console.print(table)
    _console.print(report.explanation, markup=False)
    for text in report.examples:
        _console.print(f"  unlike the baseline: {text!r}", markup=False)
