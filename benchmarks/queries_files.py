"""Writes real queries of the groceries and of the sample with their right answers, for releases and for compare.

    python -m benchmarks.queries_files grocery --out var/grocery/queries.jsonl
    python -m benchmarks.queries_files grocery --split train --out var/grocery/calibration.jsonl
    python -m benchmarks.queries_files sample --out var/sample/queries.jsonl

Held-out queries, which the gate asks, are photos of ``val`` or ``held_out``, and texts in other words than the
catalogue's; towers were not trained on these. The split ``train`` is for calibration and has photos alone: a text that
ranges were measured on must not be asked by the gate, and the catalogue has texts enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.recall_grocery import VAL, grocery_rows
from benchmarks.recall_sample import SampleShop
from catalogue import CatalogueError
from sample.queries import CALIBRATION, QUERIES, Row, paraphrase_rows, photo_rows, write
from training.errors import TrainingInputError
from training.photos import Photo, listed

TRAIN = "train"


class GrocerySplit(StrEnum):
    """Splits of the groceries' photos."""

    train = TRAIN
    val = VAL


class SampleSplit(StrEnum):
    """Splits of the sample's photos."""

    train = TRAIN
    held_out = "held_out"


Out = Annotated[Path | None, typer.Option(help="file to write", show_default="by its split, in var/grocery or --shop")]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console()


def below(photos: Iterable[Photo], folder: Path) -> Iterator[tuple[str, str]]:
    """Path and product of each photo; the path is relative to ``folder`` where it lies below, else absolute."""
    for photo in photos:
        path = photo.path.resolve()
        inside = path.is_relative_to(folder.resolve())
        yield str(path.relative_to(folder.resolve()) if inside else path), photo.product


def description_rows(rows: Iterable[Row]) -> Iterator[Row]:
    """A line a product that has a description, whose words are not in the text that the index holds."""
    for row in rows:
        if row["description"]:
            yield {"text": row["description"], "products": [str(row["id"])]}


@app.command()
def grocery(
    out: Out = None,
    data: Annotated[Path, typer.Option(envvar="TANDEM_DATA", help="folder with grocery/")] = Path("../shared/data"),
    split: Annotated[GrocerySplit, typer.Option(help="val asks the gate, train calibrates")] = GrocerySplit.val,
) -> None:
    """Photos of a split; with `val` the descriptions too."""
    try:
        photos = listed(data / "grocery/splits.csv", split, "class_id")
    except TrainingInputError as error:
        raise typer.BadParameter(str(error)) from error
    path = out or Path("var/grocery") / _name(split)
    texts = description_rows(grocery_rows(data)) if split != TRAIN else ()
    _write(path, [*photo_rows(below(photos, path.parent)), *texts])


@app.command()
def sample(
    out: Out = None,
    shop: Annotated[Path, typer.Option(help="folder that `python -m sample make` wrote")] = Path("var/sample"),
    seed: Annotated[int, typer.Option(help="seed that the sample was made with")] = 7,
    split: Annotated[SampleSplit, typer.Option(help="held_out asks the gate, train calibrates")] = SampleSplit.held_out,
) -> None:
    """Photos of a split; with `held_out` paraphrased titles too. All of them: `sample make` itself writes fewer."""
    try:
        opened = SampleShop.open(shop, seed)
        photos = listed(shop / "photos.csv", split)
    except (TrainingInputError, CatalogueError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    path = out or shop / _name(split)
    texts = paraphrase_rows(opened.products) if split != TRAIN else ()
    _write(path, [*photo_rows(below(photos, path.parent)), *texts])


def _name(split: str) -> str:
    return CALIBRATION if split == TRAIN else QUERIES


def _write(path: Path, rows: Iterable[Row]) -> None:
    console.print(f"{write(path, rows)} queries in [bold]{path}[/bold]")


if __name__ == "__main__":
    app()
