"""``python -m deploy status | prune | audit``: what a store holds, and what was done with it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from deploy.audit import Audit
from deploy.errors import SwitchBusy
from deploy.operate.cli_shared import AsJson, Store, Why, mistakes_told, ordered_by, running_status

if TYPE_CHECKING:
    from deploy.switching.values import Status

_SHOWN = 5


def status(*, store: Store = Path("var"), as_json: AsJson = False) -> None:
    """Show the releases of the store, what is live, and the last switches."""
    from deploy.operate.listing import list_releases
    from deploy.operate.tables import audit_table, releases_table

    with mistakes_told():
        served, running = _served(store)
        entries = Audit(store).all()
        listed = list_releases(store, served, entries)
        if as_json:
            content = {"running": running, "status": asdict(served), "releases": [asdict(one) for one in listed]}
            typer.echo(json.dumps(content | {"audit": [asdict(entry) for entry in entries[-_SHOWN:]]}))
            return
        console = Console()
        console.print(releases_table(listed))
        console.print(_in_words(served, running=running), soft_wrap=True, highlight=False)
        if entries:
            console.print(audit_table(entries[-_SHOWN:]))


def prune(
    *,
    keep: Annotated[int, typer.Option(help="How many of the newest releases stay in any case.")] = 3,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be removed, and remove nothing.")] = False,
    store: Store = Path("var"),
    why: Why = "",
) -> None:
    """Remove old releases: never one that is live, was live before, is loaded or is on trial."""
    with mistakes_told():
        from deploy.operate import pruning
        from deploy.operate.planning import plan_pruning

        def served() -> Status | None:
            return running_status(store)

        console, plan = Console(highlight=False), plan_pruning(store, keep, served)
        for number, reason in plan.keep.items():
            console.print(f"release {number} stays: {reason}")
        if dry_run:
            gone = ", ".join(map(str, plan.remove)) or "no release"
            console.print(f"would remove {gone}: {plan.freed:,} bytes")
        else:
            pruned = pruning.prune(store, keep, served, ordered_by(why), console.print)
            console.print(f"{pruned.freed:,} bytes are freed")
        for space in plan.spaces:
            console.print(
                f"vectors of space {space} stay in the catalogue's database; if no other store uses them: "
                f"python -m catalogue forget {space}",
                soft_wrap=True,
            )


def audit(
    *,
    last: Annotated[int, typer.Option(metavar="N", help="How many of the newest entries; 0 for all.", min=0)] = 20,
    store: Store = Path("var"),
    as_json: AsJson = False,
) -> None:
    """Show who switched what, when and why."""
    from deploy.operate.tables import audit_table

    with mistakes_told():
        entries = Audit(store).all()[-last:]
    if as_json:
        for entry in entries:
            typer.echo(json.dumps(asdict(entry)))
    elif entries:
        Console().print(audit_table(entries))
    else:
        Console(stderr=True).print(f"nothing was ever switched in {store}", highlight=False)


def _served(store: Path) -> tuple[Status, bool]:
    """What is served, or would be; and whether a server answers."""
    from deploy.operate.stopped import Stopped

    try:
        answered = running_status(store)
    except SwitchBusy as error:
        return replace(Stopped(store).status(), switching=str(error)), False
    return (Stopped(store).status(), False) if answered is None else (answered, True)


def _in_words(served: Status, *, running: bool) -> str:
    if running:
        sentence = f"release {served.live} is live"
    else:
        away = "no server runs" if served.switching is None else "no server answers yet"
        sentence = f"{away}; release {served.live} would be served"
    sentence += "" if served.previous is None else f", `rollback` goes to {served.previous}"
    return sentence if served.switching is None else f"{sentence}\njust now: {served.switching}"
