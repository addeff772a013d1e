"""The command line: ``python -m export release``, ``tasks``, ``compare``, ``embed`` and ``deposit``."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler

from export.bulk.cli import deposit, embed
from export.cli_shared import told
from export.compare.cli import compare
from export.evaluation.cli import evaluate_tasks
from export.gate.choose import AUTO
from export.order import DEFAULT_TOWERS, Order
from export.telling import tell
from export.terminal import progress_bars, terminated_as_interrupted

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command()(compare)
app.command()(embed)
app.command()(deposit)
app.command()(evaluate_tasks)


@app.callback()
def main() -> None:
    """Make releases from towers and a catalogue, change their tasks, compare towers, and embed catalogues in bulk."""
    # Before any library does: one of ONNX Runtime's would have all others tell what they do, line by line.
    handler = RichHandler(console=Console(stderr=True), show_time=False, show_path=False)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])


@app.command()
def release(  # noqa: PLR0913 - an option each
    catalogue: Annotated[
        str,
        typer.Option(
            help="Products: a file (.jsonl, .csv, .tsv, .parquet; a path or a URL of fsspec), which the store's own "
            "database is made equal to, or a database (sqlite:///..., postgresql+psycopg://...) as it is.",
            show_default="the store's own database",
        ),
    ] = "",
    towers: Annotated[
        Path,
        typer.Option(help="Where the towers come from; see export/towers_file.py.", show_default="the sample's"),
    ] = DEFAULT_TOWERS,
    columns: Annotated[Path | None, typer.Option(help="Which column holds which field; a TOML file.")] = None,
    target: Annotated[str, typer.Option(help="What the towers run on: cpu, onnxruntime or tensorrt.")] = "cpu",
    store: Annotated[Path, typer.Option(help="Where releases go.")] = Path("var"),
    *,
    device: Annotated[
        str, typer.Option(help="cpu or gpu, where the target runs on both.", show_default="its own")
    ] = "",
    precision: Annotated[
        str, typer.Option(help="auto for the fastest that passes the gate, or int8, fp16, fp32.")
    ] = AUTO,
    allow_precision: Annotated[
        bool, typer.Option("--allow-precision", help="Fall back down int8, fp16, fp32 where the asked one fails.")
    ] = False,
    queries: Annotated[
        Path | None,
        typer.Option(help="Held-out queries, .jsonl, of gate and baseline; best a sample of the log, repeats and all."),
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="Other queries, .jsonl, that ranges are measured on beside products.")
    ] = None,
    vectors: Annotated[
        Path | None, typer.Option(help="Folder of `embed`: rows are taken from it instead of being encoded again.")
    ] = None,
    skip_bad_rows: Annotated[
        bool, typer.Option("--skip-bad-rows", help="Go on without rows that cannot become products.")
    ] = False,
) -> None:
    """Make the next release: towers, repository, index, probe and manifest."""
    console = Console(stderr=True)
    try:
        order = Order(
            catalogue,
            store,
            towers,
            columns,
            target=target,
            skip_bad_rows=skip_bad_rows,
            device=device,
            precision=precision,
            allow_precision=allow_precision,
            queries=queries,
            calibration=calibration,
            vectors=vectors,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    _make(order, console)


def _make(order: Order, console: Console) -> None:
    with told(console), terminated_as_interrupted(), progress_bars(console) as progress:
        from export.release import make_release

        manifest = make_release(order, progress)
    tell(console, manifest, order.store)


@app.command()
def tasks(
    tasks: Annotated[
        Path,
        typer.Option(help="The profiles; see ensemble/tasks/tasks.toml.", exists=True, dir_okay=False),
    ],
    store: Annotated[Path, typer.Option(help="Where releases are.")] = Path("var"),
    release: Annotated[
        int | None, typer.Option(help="The release that gets other profiles.", show_default="the newest")
    ] = None,
) -> None:
    """Make the next release of an earlier one with other task profiles; nothing is trained, built or embedded."""
    console = Console(stderr=True)
    with told(console), terminated_as_interrupted():
        from export.recommending.again import release_tasks

        manifest = release_tasks(store, tasks, release)
    tell(console, manifest, store)
