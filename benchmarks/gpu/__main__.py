"""Measures exact search on the GPU: ``python -m benchmarks.gpu``.

Exit codes: 0 all assertions held; 1 some did not; 2 there is no GPU that can be used, so that nothing was measured.
"""

from __future__ import annotations

import json
import os
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from benchmarks.figures import measured
from ensemble.index.gpu.device import INTERPRET
from ensemble.index.gpu.errors import NoGpu

FAILED, CANNOT_MEASURE = 1, 2
FIT = "fit"
LIBRARIES = ("torch", "triton", "faiss-gpu", "faiss-gpu-cuvs", "cuvs-cu12", "cuvs-cu13")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console()


@app.command()
def main(  # noqa: PLR0913, PLR0917 -- an option each
    n: Annotated[list[str], typer.Option(help="Number of products, or `fit` for as many as fit; again for more.")] = [  # noqa: B006
        "1000000",
        "10000000",
        FIT,
    ],
    dim: Annotated[list[int], typer.Option(help="Length of a row; again for more.")] = [256, 384],  # noqa: B006
    batch: Annotated[list[int], typer.Option(help="Queries that are asked together.")] = [1, 8, 64],  # noqa: B006
    pass_rate: Annotated[list[float], typer.Option(help="Share of the products that pass.")] = [1.0, 0.1, 0.01],  # noqa: B006
    system: Annotated[list[str] | None, typer.Option(help="Systems; all without it.", show_default=False)] = None,
    rounds: Annotated[int, typer.Option(help="In which all systems are timed in turn; medians are reported.")] = 20,
    minutes: Annotated[float, typer.Option(help="Nothing is begun that would end later.")] = 8.0,
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("var/bench/gpu.json"),
    document: Annotated[
        Path | None, typer.Option(help="Folder of gpu.md, which gets the tables, and of gpu.json.")
    ] = None,
    interpret: Annotated[
        bool, typer.Option("--interpret", help="A check of the benchmark itself on the CPU; its times say nothing.")
    ] = False,
) -> None:
    """Measure the GPU engine beside PyTorch, faiss and cuVS; every answer is checked first."""
    deadline = time.monotonic() + 60 * minutes
    if interpret:
        os.environ[INTERPRET] = "1"  # before any kernel is defined
    try:
        from benchmarks.gpu.running import Order, run

        order = Order(tuple(n), tuple(dim), tuple(batch), tuple(pass_rate), tuple(system or ()), rounds, deadline)
        outcome = run(order, console, lambda found: _write(found.figures(), out))
    except NoGpu as error:
        console.print(f"[bold red]nothing was measured:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
        raise typer.Exit(CANNOT_MEASURE) from None
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    figures = _write(outcome.figures(), out)
    console.print(f"figures: {out}", soft_wrap=True)
    if document is not None:
        from benchmarks.gpu.document import write_document

        console.print(f"document: {write_document(document, figures)}", soft_wrap=True)
    for failure in outcome.failures:
        console.print(f"[bold red]failed:[/] {escape(failure)}", soft_wrap=True, highlight=False)
    if outcome.failures:
        raise typer.Exit(FAILED)


def _write(figures: dict[str, Any], out: Path) -> dict[str, Any]:
    """Write the figures, with versions and date; gives them."""
    figures = figures | {"versions": _versions(), "measured": measured()}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    return figures


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    app()
