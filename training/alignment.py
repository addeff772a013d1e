"""Gathers what a head is trained on: a catalogue, its pictures and texts, and photos of its products."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from catalogue import Columns, Pictures, read_all
from ensemble.product import product_text
from ensemble.settings import ProductSettings
from sample.progress import bar
from training.backbone import Backbone, Features, features
from training.errors import TrainingInputError
from training.head import AlignmentData
from training.photos import listed
from training.text import LockedTextTower

_PHOTO_VIEWS = 3
_PICTURE_VIEWS = 8


@dataclass(frozen=True)
class Sources:
    """Where the data of a head lies.

    Attributes:
        backbone: the frozen network.
        catalogue: catalogue file.
        columns: TOML file with ``[columns]`` and, if any, ``[product]``'s ``text`` fields.
        text: fields that make a product's text.
        photos: CSV with path, split and ``product_column``.
        product_column: which column of ``photos`` holds the product's id.
        cache: folder for features.
    """

    backbone: Backbone
    catalogue: Path
    columns: Path
    text: tuple[str, ...]
    photos: Path
    product_column: str
    cache: Path


def gather(sources: Sources, console: Console, split: str = "train") -> AlignmentData:
    """Read the catalogue and the photos of ``split`` and run backbone and text tower over them.

    Raises:
        TrainingInputError: a photo shows a product that the catalogue does not have.
        CatalogueError: the catalogue or its columns cannot be read.
    """
    products = read_all(str(sources.catalogue), Columns.load(sources.columns)).products
    places = {product.id: place for place, product in enumerate(products)}
    photos = listed(sources.photos, split, sources.product_column)
    unknown = sorted({photo.product for photo in photos} - set(places))
    if unknown:
        raise TrainingInputError(f"photos: {sources.photos} shows products that the catalogue lacks: {unknown[:5]}")
    folder = Pictures(str(sources.catalogue), max_bytes=1)
    pictures = [Path(folder.resolve(product.image)) for product in products if product.image]
    if len(pictures) != len(products):
        raise TrainingInputError(
            f"catalogue: {len(products) - len(pictures)} products of {sources.catalogue} have no picture"
        )
    texts = [product_text(product.as_dict(), ProductSettings(sources.text)) for product in products]
    return AlignmentData(
        photos=_features(sources, [photo.path for photo in photos], _PHOTO_VIEWS, console),
        targets=np.asarray([places[photo.product] for photo in photos]),
        pictures=_features(sources, pictures, _PICTURE_VIEWS, console),
        texts=LockedTextTower()(texts).numpy(),
    )


def _features(sources: Sources, pictures: list[Path], views: int, console: Console) -> Features:
    with bar(console) as progress:
        task = progress.add_task("backbone", total=len(pictures))
        return features(
            sources.backbone, pictures, sources.cache, views=views, tick=lambda count: progress.advance(task, count)
        )
