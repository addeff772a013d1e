"""Writes the held-out queries of the groceries and of the sample with their right answers, for the gate and compare.

    python -m benchmarks.queries_files grocery --out var/grocery/queries.jsonl
    python -m benchmarks.queries_files sample --out var/sample/queries.jsonl

Towers were not trained on these photos, and a release measures its ranges on the catalogue alone, so what is judged by
these queries has not seen them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from benchmarks.recall_grocery import VAL, grocery_rows
from benchmarks.recall_sample import SampleShop
from catalogue import CatalogueError
from sample.products import Product
from sample.titles import paraphrase
from training.errors import TrainingInputError
from training.photos import Photo, listed

PARAPHRASE_SEED = 11

Row = dict[str, Any]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console()


def photo_rows(photos: Iterable[Photo], folder: Path) -> Iterator[Row]:
    """A line a photo; its path is relative to ``folder`` where it lies below, else absolute."""
    for photo in photos:
        path = photo.path.resolve()
        below = path.is_relative_to(folder.resolve())
        shown = path.relative_to(folder.resolve()) if below else path
        yield {"image": str(shown), "products": [photo.product]}


def description_rows(rows: Iterable[Row]) -> Iterator[Row]:
    """A line a product that has a description, whose words are not in the text that the index holds."""
    for row in rows:
        if row["description"]:
            yield {"text": row["description"], "products": [str(row["id"])]}


def paraphrase_rows(products: Sequence[Product], seed: int = PARAPHRASE_SEED) -> Iterator[Row]:
    """A line a text: products in other words than their title; products that share the words share the line."""
    rng = np.random.default_rng(seed)
    right: dict[str, list[str]] = {}
    for product in products:
        right.setdefault(paraphrase(product.words, rng), []).append(product.id)
    for text, ids in right.items():
        yield {"text": text, "products": ids}


def write(path: Path, rows: Iterable[Row]) -> int:
    """Write the lines; returns how many there are."""
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return len(lines)


@app.command()
def grocery(
    out: Annotated[Path, typer.Option(help="file to write")] = Path("var/grocery/queries.jsonl"),
    data: Annotated[Path, typer.Option(envvar="TANDEM_DATA", help="folder with grocery/")] = Path("../shared/data"),
) -> None:
    """Photos of the split `val`, and descriptions."""
    try:
        photos = listed(data / "grocery/splits.csv", VAL, "class_id")
    except TrainingInputError as error:
        raise typer.BadParameter(str(error)) from error
    rows = [*photo_rows(photos, out.parent), *description_rows(grocery_rows(data))]
    console.print(f"{write(out, rows)} queries in [bold]{out}[/bold]")


@app.command()
def sample(
    out: Annotated[Path, typer.Option(help="file to write")] = Path("var/sample/queries.jsonl"),
    shop: Annotated[Path, typer.Option(help="folder that `python -m sample make` wrote")] = Path("var/sample"),
    seed: Annotated[int, typer.Option(help="seed that the sample was made with")] = 7,
) -> None:
    """Photos of the split `held_out`, and paraphrased titles."""
    try:
        opened = SampleShop.open(shop, seed)
    except (TrainingInputError, CatalogueError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    rows = [*photo_rows(opened.photos, out.parent), *paraphrase_rows(opened.products)]
    console.print(f"{write(out, rows)} queries in [bold]{out}[/bold]")


if __name__ == "__main__":
    app()
