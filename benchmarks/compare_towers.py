"""Makes the vision towers of ``configs/compare`` that are not there yet: ``python -m benchmarks.compare_towers``.

A linear head for the sample's hybrid, fitted as that of MobileNetV2 is, and a small ViT trained from scratch, both on
the train photos of the groceries; photos of `val` are never read. About six minutes on one core.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Annotated

import torch
import typer
from PIL import Image
from rich.console import Console

from catalogue import Columns, Pictures, Product, read_all
from catalogue.errors import CatalogueError
from ensemble.product import product_text
from ensemble.settings import ProductSettings
from sample.progress import bar
from sample.tower import vision_tower
from training.alignment import Sources, gather
from training.backbone import Backbone
from training.errors import TrainingError
from training.head import HeadRecipe, fit, write
from training.photos import listed
from training.text import LockedTextTower
from training.vit import PhotoSet, VitRecipe, VitTower, opened, train_vit

COLUMNS = Path(__file__).resolve().parent.parent / "configs" / "grocery.toml"
TEXT_FIELDS = ("title", "category")
HYBRID_SIZE, HYBRID_STD = 96, 0.25

console = Console()


def export_hybrid(path: Path) -> Backbone:
    """Write the sample's tower as the ONNX file that features are computed with."""
    # The exporter warns of its own deprecations and of torchvision's absence.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            vision_tower(),
            (torch.zeros(2, 3, HYBRID_SIZE, HYBRID_SIZE),),
            dynamo=True,
            input_names=["input"],
            output_names=["features"],
            dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
            verbose=False,
        )
    if program is None:
        raise RuntimeError("PyTorch made no graph of the sample's tower")
    path.parent.mkdir(parents=True, exist_ok=True)
    program.save(path)
    return Backbone(path, image_size=HYBRID_SIZE, std=HYBRID_STD)


def fit_hybrid_head(data: Path, out: Path, cache: Path) -> None:
    """Fit the head of the frozen hybrid with the recipe of ``python -m training head``."""
    sources = Sources(
        backbone=export_hybrid(out / "hybrid.onnx"),
        catalogue=data / "grocery/catalogue.jsonl",
        columns=COLUMNS,
        text=TEXT_FIELDS,
        photos=data / "grocery/splits.csv",
        product_column="class_id",
        cache=cache,
    )
    write(fit(gather(sources, console), HeadRecipe()), out / "hybrid_head.safetensors")


def photo_set(data: Path) -> PhotoSet:
    """Read catalogue, texts and train photos of the groceries."""
    catalogue = data / "grocery/catalogue.jsonl"
    products: tuple[Product, ...] = read_all(str(catalogue), Columns.load(COLUMNS)).products
    pictures = Pictures(str(catalogue), max_bytes=1)
    texts = [product_text(product.as_dict(), ProductSettings(TEXT_FIELDS)) for product in products]
    shown = listed(data / "grocery/splits.csv", "train", "class_id")
    with bar(console) as progress:
        photos: dict[str, list[Image.Image]] = {product.id: [] for product in products}
        for photo in progress.track(shown, description="photos"):
            photos[photo.product].append(opened(photo.path))
    return PhotoSet(
        photos=list(photos.values()),
        pictures=[opened(Path(pictures.resolve(str(product.image)))) for product in products],
        texts=LockedTextTower()(texts),
    )


def train(data: PhotoSet, recipe: VitRecipe) -> VitTower:
    """Train with a progress bar that shows the loss."""
    with bar(console) as progress:
        task = progress.add_task("vit", total=recipe.steps)
        return train_vit(
            data, recipe, lambda loss: progress.update(task, advance=1, description=f"vit, loss {loss:.2f}")
        )


def make(
    data: Annotated[Path, typer.Option(envvar="TANDEM_DATA", help="folder with grocery/")] = Path("../shared/data"),
    out: Annotated[Path, typer.Option(help="folder to write to; configs/compare names var/compare")] = Path(
        "var/compare"
    ),
    cache: Annotated[Path, typer.Option(help="folder for features")] = Path("var/training/features"),
    steps: Annotated[int, typer.Option(help="optimiser steps of the ViT")] = VitRecipe.steps,
    threads: Annotated[int, typer.Option(help="threads of torch")] = 1,
) -> None:
    """Make the towers that `configs/compare` asks for."""
    torch.set_num_threads(threads)
    try:
        fit_hybrid_head(data, out, cache)
        train(photo_set(data), VitRecipe(steps=steps)).save(out / "vit", out / "vit_head.safetensors")
    except (TrainingError, CatalogueError) as error:
        raise typer.BadParameter(str(error)) from error
    console.print(f"hybrid_head.safetensors, vit/ and vit_head.safetensors in [bold]{out}[/bold]")


if __name__ == "__main__":
    typer.run(make)
