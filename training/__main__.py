"""Command line of the recipes: ``vision``, ``head``, ``pairs``, ``complements`` and ``product-tower``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console

from catalogue.errors import CatalogueError
from sample.progress import bar
from training import checkpoint
from training.alignment import Sources, gather
from training.backbone import Backbone
from training.errors import TrainingError
from training.head import HeadRecipe, cross_validated, fit, write
from training.heldout import catalogue_rows, held_out_shop
from training.product.commands import complements, pairs, product_tower
from training.shop_cache import cached_shop, products_without
from training.text import LockedTextTower, cached_texts
from training.vision import Recipe, Run, evaluate, train

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_show_locals=False, help="Recipes for towers."
)
app.command()(pairs)
app.command()(complements)
app.command(name="product-tower")(product_tower)
_console = Console()


@app.callback()
def recipes() -> None:
    """Recipes that make or tune towers."""


@app.command()
def vision(
    catalogue: Annotated[Path, typer.Option(help="the shop to hold out and report on")] = Path(
        "var/sample/catalogue.jsonl"
    ),
    out: Annotated[Path, typer.Option(help="safetensors to write")] = Path("sample/vision.safetensors"),
    work: Annotated[Path, typer.Option(help="caches, checkpoint and log")] = Path("var/training"),
    products: Annotated[int, typer.Option(help="size of the training shop")] = 8000,
    steps: Annotated[int, typer.Option(help="optimiser steps")] = Recipe.steps,
    seed: Annotated[int, typer.Option(help="of the training shop, the photos and the weights")] = Recipe.seed,
    threads: Annotated[int, typer.Option(help="threads of torch")] = os.cpu_count() or 1,
) -> None:
    """Train the sample's vision tower; the text tower is locked, the shop of --catalogue is held out whole."""
    torch.set_num_threads(threads)
    try:
        rows = catalogue_rows(catalogue)
        chosen = products_without([row["title"] for row in rows], products, seed)
        with bar(_console) as progress:
            task = progress.add_task("training pictures", total=products)
            shop = cached_shop(work / "shops", chosen, seed, lambda: progress.advance(task))
        text = LockedTextTower()
        banks = [cached_texts(text, texts, work / "texts") for texts in (shop.titles, shop.paraphrases)]
        held_out = held_out_shop(catalogue, text)
        tower = train(shop, banks, held_out, Recipe(steps=steps, seed=seed), Run(work, _console))
    except TrainingError as error:
        raise typer.BadParameter(str(error)) from error
    checkpoint.save_half(
        out, tower, {"recipe": f"python -m training vision --products {products} --steps {steps} --seed {seed}"}
    )
    _console.print(f"[bold]{out}[/bold]: {out.stat().st_size / 1e6:.1f} MB, {evaluate(tower, held_out)}")


@app.command()
def head(  # noqa: PLR0913 - one option a setting
    *,
    data: Annotated[Path, typer.Option(envvar="TANDEM_DATA", help="folder with grocery/ and weights/")] = Path(
        "../shared/data"
    ),
    backbone: Annotated[Path | None, typer.Option(help="ONNX file; MobileNetV2 of --data by default")] = None,
    catalogue: Annotated[Path | None, typer.Option(help="catalogue file; the groceries of --data by default")] = None,
    photos: Annotated[
        Path | None, typer.Option(help="CSV with path, split and product, or its folder; only `train` is read")
    ] = None,
    product_column: Annotated[str, typer.Option(help="column of --photos with the product's id")] = "class_id",
    columns: Annotated[Path, typer.Option(help="TOML file with [columns]")] = Path("configs/grocery.toml"),
    text: Annotated[str, typer.Option(help="fields that make a product's text, as in [product]")] = "title,category",
    out: Annotated[Path, typer.Option(help="safetensors to write")] = Path("var/grocery/head.safetensors"),
    cache: Annotated[Path, typer.Option(help="folder for features")] = Path("var/training/features"),
    validate: Annotated[bool, typer.Option(help="cross-validate on the train photos first")] = False,
) -> None:
    """Train a linear head that brings a frozen backbone into the text space; photos of `val` are never read."""
    recipe, pairs = HeadRecipe(), [(1.0, 0.0), (0.0, 1.0), (1.0, 0.5), (1.0, 1.0), (0.5, 1.0)]
    try:
        sources = Sources(
            backbone=Backbone(backbone or data / "weights/mobilenet_v2_1.0_224_fp32.onnx"),
            catalogue=catalogue or data / "grocery/catalogue.jsonl",
            columns=columns,
            text=tuple(text.split(",")),
            photos=photos or data / "grocery/splits.csv",
            product_column=product_column,
            cache=cache,
        )
        gathered = gather(sources, _console)
        if validate:
            for pair, value in cross_validated(gathered, recipe, pairs).items():
                _console.print(f"cross-validated top-1 with text {pair[0]}, picture {pair[1]}: {value:.3f}")
        write(fit(gathered, recipe), out)
    except (TrainingError, CatalogueError) as error:
        raise typer.BadParameter(str(error)) from error
    _console.print(f"[bold]{out}[/bold]: trained on {len(gathered.targets)} photos of {len(gathered.texts)} products")


if __name__ == "__main__":
    app()
