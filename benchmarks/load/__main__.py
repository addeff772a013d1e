"""``python -m benchmarks.load``: the command line."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.figures import measured
from benchmarks.load import document
from benchmarks.load.bench import Bench, serving
from benchmarks.load.goals import goals
from benchmarks.load.overload import measure_overload
from benchmarks.load.place import copy_release, make_second
from benchmarks.load.plan import FULL, PARTS, QUICK, Plan
from benchmarks.load.steady import measure_knee, measure_steady
from benchmarks.load.switching import measure_switch
from benchmarks.load.tables import shown, tables
from deploy.store import whole_releases

VERSIONS = ("nvidia-pytriton", "onnxruntime", "numpy", "tritonclient")
console = Console()


def main(  # noqa: PLR0913 -- an option each
    *,
    store: Annotated[
        Path, typer.Option(help="Store whose newest release is measured; figures go to STORE/bench.")
    ] = Path("var"),
    place: Annotated[
        Path | None, typer.Option(help="Store of the measurement's own, a copy.", show_default="STORE/bench/load")
    ] = None,
    sample: Annotated[
        Path | None, typer.Option(help="Folder that queries and photos come from.", show_default="STORE/sample")
    ] = None,
    only: Annotated[str, typer.Option(help=f"Some of {', '.join(PARTS)}, with commas between; the rest is kept.")] = "",
    quick: Annotated[
        bool, typer.Option("--quick", help="The whole way in two minutes; the figures say nothing.")
    ] = False,
    minutes: Annotated[float | None, typer.Option(help="How long the switches take.", show_default="10")] = None,
    processes: Annotated[int, typer.Option(help="How many send the load.")] = 1,
    documents: Annotated[
        Path | None, typer.Option("--document", help="Folder that load.md and load.json are written to.")
    ] = None,
) -> None:
    """Measure what one server carries, what overload does, and what switching releases costs callers."""
    plan = QUICK if quick else FULL
    plan = plan if minutes is None else replace(plan, switch_s=60 * minutes)
    parts = _parts(only)
    own, material = place or store / "bench" / "load", sample or store / "sample"
    figures_at = (own if quick else store / "bench") / "load.json"
    figures = _earlier(figures_at, plan) if only else {}
    releases = _releases(store, own, plan.precision)
    with serving(own, material, plan, releases, processes) as bench:
        for part in parts:
            console.print(f"measuring: {part}")
            figures |= _measure(part, bench, figures, processes)
    figures |= {"plan": asdict(plan), "versions": _versions(), "measured": measured()}
    figures_at.parent.mkdir(parents=True, exist_ok=True)
    figures_at.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    _tell(figures, figures_at, documents)


def _parts(only: str) -> Sequence[str]:
    asked = [name.strip() for name in only.split(",") if name.strip()]
    if unknown := [name for name in asked if name not in PARTS]:
        raise typer.BadParameter(f"--only {', '.join(unknown)}; allowed: {', '.join(PARTS)}")
    return [name for name in PARTS if not asked or name in asked]


def _earlier(path: Path, plan: Plan) -> dict[str, Any]:
    """The figures of an earlier run, which the parts measured now take their places in."""
    earlier: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    # How long the switches take changes no other part.
    if earlier and {**earlier["plan"], "switch_s": plan.switch_s} != asdict(plan):
        raise typer.BadParameter(f"--only: {path} was measured by another plan; measure all parts")
    return earlier


def _releases(store: Path, place: Path, precision: str) -> tuple[int, int]:
    """The release that is measured, and the other one; made where they are not there."""
    if not whole_releases(place):
        console.print(f"copying the newest release of {store} to {place}")
        copy_release(store, place)
    if len(whole_releases(place)) < 2:
        console.print("making a second release, which answers otherwise; this takes some minutes")
        make_second(place, precision)
    numbers = whole_releases(place)
    return numbers[0], numbers[-1]


def _measure(part: str, bench: Bench, figures: dict[str, Any], processes: int) -> dict[str, Any]:
    if part == "knee":
        return measure_knee(bench)
    if "knee_rps" not in figures:
        raise typer.BadParameter(f"--only {part}: the knee is not known yet; measure it too, with --only knee,{part}")
    knee = float(figures["knee_rps"])
    if part == "overload":
        return {"overload_3x": measure_overload(bench, knee, float(figures["knee"]["p99_ms"]))}
    if part == "switch":
        return {"switch": measure_switch(bench, 0.8 * knee, processes)}
    return {part: measure_steady(bench, knee * int(part.removeprefix("at_")) / 100)}


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in VERSIONS}


def _tell(figures: dict[str, Any], figures_at: Path, documents: Path | None) -> None:
    """Show the tables and the verdict; the exit code tells of wrong answers."""
    for titled in tables(figures):
        console.print(shown(titled))
    found = goals(figures)
    for goal in found:
        console.print(f"{'[green]met[/]' if goal.met else '[red]missed[/]'}: {goal.what}: {goal.found}")
    console.print(f"figures: {figures_at}")
    if documents is not None:
        page = document.render(figures)
        console.print(f"written: {document.write(documents, page, figures_at.read_text('utf-8'))}")
    if any(goal.correctness and not goal.met for goal in found):
        console.print("[red]answers were wrong: the figures say nothing[/]")
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
