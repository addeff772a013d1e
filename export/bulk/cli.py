"""The commands ``python -m export embed`` and ``deposit``.

Exit codes: 0 done; 1 workers failed, whole shards stay; 2 the caller's mistake; 130 interrupted, whole shards stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from catalogue import BadRows, CatalogueError
from ensemble.errors import EnsembleError
from ensemble.variables import CATALOGUE
from export.bulk.order import BATCH, LOCAL, SHARD_ROWS, BulkOrder
from export.errors import ExportError, WorkerFailed, WorkersLost
from export.terminal import progress_bars, terminated_as_interrupted

FAILED, USERS_MISTAKE, INTERRUPTED = 1, 2, 130


def embed(  # noqa: PLR0913 - an option each
    catalogue: Annotated[
        str,
        typer.Argument(
            metavar="[CATALOGUE]",
            help="Products: a file, or a database by its URL, as for `release`.",
            show_default="the store's own database",
        ),
    ] = "",
    *,
    out: Annotated[Path, typer.Option(help="Folder of the shards; a run that broke off there is taken up again.")],
    store: Annotated[Path, typer.Option(help="Where the release is.")] = Path("var"),
    release: Annotated[
        int | None, typer.Option(metavar="N", help="Release whose towers embed.", show_default="the newest")
    ] = None,
    ray: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Of a Ray cluster, HOST:PORT; local starts one for this run.")
    ] = LOCAL,
    workers: Annotated[
        int | None, typer.Option(help="Processes that embed, a core each.", show_default="one a core")
    ] = None,
    shard_rows: Annotated[int, typer.Option(help="Rows of the catalogue a shard.")] = SHARD_ROWS,
    batch: Annotated[int, typer.Option(help="Products that are embedded together.")] = BATCH,
    columns: Annotated[Path | None, typer.Option(help="Which column holds which field; a TOML file.")] = None,
    skip_bad_rows: Annotated[
        bool, typer.Option("--skip-bad-rows", help="Go on without rows that cannot be embedded.")
    ] = False,
) -> None:
    """Embed a catalogue with the towers of a release on Ray, into a folder of Parquet shards.

    Workers elsewhere get the towers from here; pictures they read themselves, by the catalogue's own path or URL.
    """
    console = Console(stderr=True)
    try:
        order = BulkOrder(
            catalogue,
            store,
            out,
            release=release,
            ray=ray,
            workers=workers,
            shard_rows=shard_rows,
            batch=batch,
            columns=columns,
            skip_bad_rows=skip_bad_rows,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    stays = f"Whole shards stay in {out}: the same command goes on from there."
    with _told(console, stays), terminated_as_interrupted(), progress_bars(console) as progress:
        from export.bulk.run import embed_catalogue

        summary = embed_catalogue(order, progress)
    manifest = summary.manifest
    console.print(
        f"{manifest.products:,} product(s) in {len(manifest.shards):,} shard(s) in {out}: {summary.embedded:,} "
        f"embedded, {summary.taken:,} row(s) taken from earlier shards, {summary.kept:,} shard(s) as they were",
        soft_wrap=True,
    )
    if manifest.failures:
        console.print(
            f"[yellow]{len(manifest.failures):,} problem(s) left rows out; manifest.json lists them[/]", soft_wrap=True
        )


def deposit(
    folder: Annotated[Path, typer.Argument(help="Of `embed`, finished.")],
    catalogue: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="The database: sqlite:///FILE or postgresql+psycopg://...",
            envvar=CATALOGUE,
        ),
    ],
) -> None:
    """Write vectors of a folder into a shop's database, for products that are still what they were made of."""
    console = Console(stderr=True)
    stays = "What was written stays: the same command goes on from there."
    with _told(console, stays), terminated_as_interrupted(), progress_bars(console) as progress:
        from export.bulk.depositing import deposit as run

        task = progress.add_task("deposit", total=None, unit="products")

        def start(total: int) -> Callable[[int], None]:
            progress.update(task, total=total)
            return lambda count: progress.advance(task, count)

        done = run(folder, catalogue, start)
    console.print(
        f"{done.written:,} vector(s) of space {done.space_id} written; {done.lacking:,} product(s) are not in {folder} "
        "as they are now",
        soft_wrap=True,
    )


@contextmanager
def _told(console: Console, stays: str) -> Iterator[None]:
    """Show what went wrong and what became of the work, and exit with the code that says whose turn it is."""
    try:
        yield
    except (WorkerFailed, WorkersLost) as error:
        _fail(console, f"{error}\n{stays}", FAILED)
    except BadRows as error:
        _fail(console, f"{error}\nMend the rows, or go on without them with --skip-bad-rows. {stays}", USERS_MISTAKE)
    except (CatalogueError, ExportError, EnsembleError) as error:
        _fail(console, str(error), USERS_MISTAKE)
    except KeyboardInterrupt:
        _fail(console, f"Interrupted. {stays}", INTERRUPTED)


def _fail(console: Console, message: str, code: int) -> NoReturn:
    console.print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True, highlight=False)
    raise typer.Exit(code)
