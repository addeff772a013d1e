"""The command ``python -m export evaluate-tasks``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from export.cli_shared import told
from export.order import DEFAULT_TOWERS
from export.terminal import progress_bars, terminated_as_interrupted

if TYPE_CHECKING:
    from export.evaluation.order import Order

COLUMNS = ("basket", "product", "time", "kind", "user")


def evaluate_tasks(  # noqa: PLR0913 - an option each
    events: Annotated[
        Path,
        typer.Option(
            help="Purchases, and views if any: .parquet, .csv or .jsonl with basket, product, time, kind, user."
        ),
    ],
    catalogue: Annotated[str, typer.Option(help="Products, as for `release`.")],
    split: Annotated[str, typer.Option(help="Learn before this day, judge from it on, as in 2026-09-01.")],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for tasks.md, tasks.json and the plots.")] = Path(
        "var/tasks"
    ),
    *,
    towers: Annotated[
        Path, typer.Option(help="The frozen towers; see export/towers_file.py.", show_default="the sample's")
    ] = DEFAULT_TOWERS,
    columns: Annotated[Path | None, typer.Option(help="Which column of the catalogue holds which field.")] = None,
    event_columns: Annotated[
        str, typer.Option(help="Other names of the events' columns, as in basket=InvoiceNo,product=StockCode.")
    ] = "",
    tasks: Annotated[
        Path | None,
        typer.Option(help="Profiles called similar, complement and inspire.", show_default="the default ones"),
    ] = None,
    epochs: Annotated[int, typer.Option(min=0, help="Of the training, at most.", show_default="the recipe's")] = 0,
    max_basket: Annotated[int, typer.Option(min=2, help="Baskets of more products are not asked about.")] = 100,
    resamples: Annotated[int, typer.Option(min=2, help="Of the bootstrap.")] = 1_000,
) -> None:
    """Train on a shop's events before a day, and judge the three tasks by what was bought from then on."""
    from export.evaluation.order import Order, recipe_of

    console = Console(stderr=True)
    with told(console):
        moment_s, names, recipe = _moment(split), _names(event_columns), recipe_of(epochs)
        order = Order(events, catalogue, moment_s, towers, out, columns, names, tasks, recipe, max_basket, resamples)
        _evaluated(order, console)


def _evaluated(order: Order, console: Console) -> None:
    from export.evaluation.output import table, write
    from export.evaluation.run import evaluate

    with terminated_as_interrupted(), progress_bars(console) as progress:
        found = evaluate(order, progress, console)
    written = write(order.out, found)
    Console().print(table(found))
    console.print(f"Written to {', '.join(map(str, written))}", soft_wrap=True)


def _moment(text: str) -> int:
    from export.evaluation.split import moment

    try:
        return moment(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _names(text: str) -> Mapping[str, str]:
    entries = [entry.partition("=") for entry in text.split(",") if entry.strip()]
    names = {column.strip(): name.strip() for column, _, name in entries}
    if set(names) - set(COLUMNS) or not all(names.values()):
        raise typer.BadParameter(
            f"event-columns: got {text!r}, must be COLUMN=NAME,... with columns among {', '.join(COLUMNS)}"
        )
    return names
