"""The command line: ``python -m export release``, ``compare``, ``embed`` and ``deposit``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from catalogue import BadRows, CatalogueError
from ensemble.errors import EnsembleError
from export.bulk.cli import deposit, embed
from export.compare.cli import compare
from export.errors import ExportError, GateFailed
from export.gate.choose import AUTO
from export.order import DEFAULT_TOWERS, Order
from export.telling import tell
from export.terminal import progress_bars, terminated_as_interrupted

USERS_MISTAKE = 2
FAILED_GATE = 1
INTERRUPTED = 130

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command()(compare)
app.command()(embed)
app.command()(deposit)


@app.callback()
def main() -> None:
    """Make releases from towers and a catalogue, compare towers, and embed catalogues in bulk."""


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
    with _told(console), terminated_as_interrupted(), progress_bars(console) as progress:
        from export.release import make_release

        manifest = make_release(order, progress)
    tell(console, manifest, store)


@contextmanager
def _told(console: Console) -> Iterator[None]:
    """Show what went wrong in plain words, and exit with the code that says whose turn it is."""
    try:
        yield
    except GateFailed as error:
        _fail(console, f"The release failed its gate. {error}", FAILED_GATE)
    except BadRows as error:
        _fail(console, f"{error}\nMend the rows, or go on without them with --skip-bad-rows.", USERS_MISTAKE)
    except (CatalogueError, ExportError, EnsembleError) as error:
        _fail(console, str(error), USERS_MISTAKE)
    except KeyboardInterrupt:
        _fail(console, "Interrupted. Nothing was released; the store is as it was.", INTERRUPTED)


def _fail(console: Console, message: str, code: int) -> NoReturn:
    console.print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True, highlight=False)
    raise typer.Exit(code)
