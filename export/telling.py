"""Tells what became of a release, on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ensemble.release import Manifest, manifest_path, release_folder
from export.reading import SKIPPED_ROWS
from export.report.writer import REPORT
from export.targets import CPU

FIGURES = ("cosine_p01", "cosine_min", "recall_at_10", "recall_at_100")
RATIOS = ("latency_ratio_b1", "latency_ratio_b8", "latency_ratio_b32")


def tell(console: Console, manifest: Manifest, store: Path) -> None:
    """Print the steps, the candidates of each tower, and where everything is."""
    for name, tower in manifest.towers.items():
        if tower["candidates"]:
            console.print(_candidates(name, tower))
    console.print(_steps(manifest))
    for note in manifest.notes:
        console.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
    skipped = manifest.figures["skipped_rows"]
    folder = release_folder(store, manifest.release)
    if skipped:
        listed = folder / SKIPPED_ROWS
        console.print(f"[yellow]{skipped} bad row(s) were left out; each is named in {listed}[/]", soft_wrap=True)
    if (folder / REPORT).is_file():
        console.print(f"Precision and proof: {folder / REPORT}", soft_wrap=True)
    console.print(f"Written to {manifest_path(store, manifest.release)}", soft_wrap=True)
    if manifest.target == CPU and manifest.release > 1:
        command = f"python -m deploy activate {manifest.release} --store {store}"
        console.print(f"A server that runs goes on with its release; to switch: `{command}`", soft_wrap=True)


def _candidates(name: str, tower: Mapping[str, Any]) -> Table:
    """One row a candidate; the one that serves is marked."""
    head = ("", "candidate", "cos p01", "cos min", "recall@10", "@100", "b1", "b8", "b32", "gate")
    table = Table(*head, title=f"{name} tower: latency as a share of FP32's, one thread")
    for one in tower["candidates"]:
        serves = (one["precision"], one["recipe"]) == (tower["chosen"], tower["recipe"])
        table.add_row(
            "*" if serves else "",
            f"{one['precision']}-{one['recipe']}",
            *(_figure(one[key], 4) for key in FIGURES),
            *(_figure(one[key], 2) for key in RATIOS),
            "passed" if one["passed"] else ", ".join(failure["figure"] for failure in one["failures"]),
            style="bold" if serves else None,
        )
    return table


def _steps(manifest: Manifest) -> Table:
    table = Table("step", "seconds", "figures", title=f"Release {manifest.release}")
    for step in manifest.steps:
        figures = ", ".join(f"{name} {_shown(value)}" for name, value in step.figures.items())
        table.add_row(step.name, f"{step.seconds:.1f}", figures)
    return table


def _figure(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.2g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
