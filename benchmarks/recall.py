"""Recall of the releases that serve, over photos that training never saw: the sample shop and the groceries.

Everything goes through ``ensemble.pipeline.Pipeline``: the ONNX graphs, the preprocessing and the index of the release.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.figures import write_figures
from benchmarks.recall_grocery import VAL, grocery_figures
from benchmarks.recall_sample import SampleShop, sample_figures
from benchmarks.recall_sheet import Line, write_sheet
from deploy.store import find_release
from ensemble.pipeline import Pipeline
from training.photos import Photo, listed

TEXTS = (
    "red mug",
    "striped navy dress",
    "something to keep off the rain",
    "a green plush animal",
    "wooden chair",
    "running shoes",
)
GROCERY_TEXTS = (
    "a sour green apple",
    "oat drink",
    "something for a tomato salad",
    "strawberry yoghurt",
    "orange juice",
    "chili",
)
SHOWN = 5

console = Console()


def _pipeline(store: Path) -> tuple[Pipeline, int]:
    release = find_release(store)
    return Pipeline.open(release.models, release.number), release.number


def _sheet(path: Path, pipeline: Pipeline, photos: list[Photo], texts: tuple[str, ...], pictures: Path) -> None:
    chosen = photos[:: max(1, len(photos) // len(texts))][: len(texts)]
    found = pipeline.search(images=[photo.path.read_bytes() for photo in chosen], k=SHOWN)
    lines = [Line(p.path.read_bytes(), hits, p.product) for p, hits in zip(chosen, found, strict=True)]
    lines += [Line(text, hits) for text, hits in zip(texts, pipeline.search(texts=texts, k=SHOWN), strict=True)]
    write_sheet(path, lines, pictures)


def _show(title: str, figures: dict[str, dict[str, float]]) -> None:
    table = Table("queries", "count", "figures", title=title)
    for name, values in figures.items():
        shown = "  ".join(f"{key} [bold]{value:.3f}[/bold]" for key, value in values.items() if key != "queries")
        table.add_row(name, f"{values['queries']:.0f}", shown)
    console.print(table)


def recall(
    store: Annotated[Path, typer.Option(help="store of the sample's release; groceries are in STORE/grocery")] = Path(
        "var"
    ),
    data: Annotated[Path, typer.Option(envvar="TANDEM_DATA", help="folder with grocery/ and weights/")] = Path(
        "../shared/data"
    ),
    seed: Annotated[int, typer.Option(help="seed that the sample was made with")] = 7,
) -> None:
    """Measure recall; figures go to STORE/bench/recall.json, contact sheets beside it."""
    pipeline, release = _pipeline(store)
    shop = SampleShop.open(store / "sample", seed)
    figures = {"sample": sample_figures(pipeline, shop)}
    _show(f"sample, {len(shop.products):,} products, release {release}", figures["sample"])
    _sheet(store / "bench/sample.png", pipeline, shop.photos, TEXTS, shop.folder)
    grocery = store / "grocery"
    if not (data / "grocery").is_dir() or not (grocery / "models").is_dir():
        console.print(
            f"groceries left out: {data / 'grocery'} or {grocery / 'models'} is absent; `make grocery` makes it"
        )
    else:
        pipeline, release = _pipeline(grocery)
        figures["grocery"] = grocery_figures(pipeline, data, store / "training/features")
        _show(f"groceries, 81 products, release {release}", figures["grocery"])
        photos = listed(data / "grocery/splits.csv", VAL, "class_id")
        _sheet(store / "bench/grocery.png", pipeline, photos, GROCERY_TEXTS, data / "grocery")
    console.print(f"figures in [bold]{write_figures(store, 'recall', figures)}[/bold]")


if __name__ == "__main__":
    typer.run(recall)
