"""The recommender, made of the training events alone: tower, complements, popularity, clusters, and their folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from ensemble.settings import SpaceSettings
from ensemble.tasks import Recommender
from export.evaluation.leakage import check_complements, check_known, check_pairs, check_popularity
from export.evaluation.questions import MAX_BASKET
from export.evaluation.served import Clock, open_served
from export.evaluation.shop import Floats, Shop
from export.recommending.artefact import Artefact
from export.recommending.folder import Maker
from training.errors import CheckpointError
from training.product.artefact import POPULARITY
from training.product.complements import COMPLEMENTS, learn_complements
from training.product.fitting import train
from training.product.pairs import Pairs, count_pairs
from training.product.recipe import Recipe
from training.product.run import Run
from training.product.trained import Trained

TOWER, RECOMMENDER, CHECKPOINTS = "tower", "recommender", "checkpoints"


@dataclass(frozen=True)
class Making:
    """What a recommender is made by.

    Args:
        space: Of the rows.
        tasks: Its profiles; None for the default ones.
        recipe: Of the tower.
        work: Folder that tower, recommender and checkpoints go to.
        console: Shows the training; None to show nothing.
    """

    space: SpaceSettings
    tasks: Path | None
    recipe: Recipe
    work: Path
    console: Console | None = None


def recommender_of(shop: Shop, making: Making, clock: Clock) -> Recommender:
    """Train on the events before the split, write the recommender's folder, hold it to those events, and open it.

    Products that are first sold in the test are in the index, as a live catalogue has them by content; neither tower
    nor clusters know them.

    Raises:
        Leak: Something has seen the test.
        TrainingInputError: The events cannot be trained on.
        ExportError: The recommender cannot be made.
    """
    train_tower(shop, making)
    write_folder(shop, making)
    return open_served(making.work / RECOMMENDER, clock)


def train_tower(shop: Shop, making: Making) -> Path:
    """Write the folder of a tower, checked; returns its path.

    Raises:
        Leak: Something has seen the test.
        TrainingInputError: The events cannot be trained on.
    """
    before = shop.split.before
    places = np.flatnonzero(shop.counts > 0)
    known = [shop.products[place] for place in places.tolist()]
    pairs = count_pairs(before, max_basket=MAX_BASKET)
    check_pairs(pairs, before)
    check_known((product["id"] for product in known), before, "the products of the training")
    text_dim, image_dim = shop.text_dim, _image_dim(known, making.space)
    rows = np.ascontiguousarray(shop.rows[places, : text_dim + image_dim])
    trained = _trained(pairs, known, rows, making, image_dim)
    folder = making.work / TOWER
    trained.save(folder, learn_complements(before, known, max_basket=MAX_BASKET))
    check_artefact(folder, shop)
    return folder


def _trained(pairs: Pairs, known: Sequence[Mapping[str, Any]], rows: Floats, making: Making, image_dim: int) -> Trained:
    """Take up a training that was interrupted; one of other events or another recipe is begun again."""
    run = Run(making.work / CHECKPOINTS, making.console)
    try:
        return train(pairs, known, rows, making.recipe, run, image_dim=image_dim)
    except CheckpointError:
        shutil.rmtree(making.work / CHECKPOINTS)
        return train(pairs, known, rows, making.recipe, run, image_dim=image_dim)


def check_artefact(folder: Path, shop: Shop) -> None:
    """Hold what a tower's folder says of products and categories to the training events.

    Raises:
        Leak: A count is larger than they allow; names it.
    """
    before = shop.split.before
    check_popularity(json.loads((folder / POPULARITY).read_text("utf-8")), before)
    categories = {product["id"]: product.get("category") or "" for product in shop.products}
    if (folder / COMPLEMENTS).is_file():
        check_complements(folder / COMPLEMENTS, before, categories)


def write_folder(shop: Shop, making: Making) -> None:
    """Write the folder that a recommender is opened from; clusters are those of the products that were sold before.

    Raises:
        Leak: The clusters know a product of the test.
        ExportError: It cannot be made.
    """
    maker = Maker(making.work / RECOMMENDER, making.space, Artefact.open(making.work / TOWER), making.tasks)
    maker.place_tower()
    vectors = maker.encode(shop.products, shop.rows)
    places = np.flatnonzero(shop.counts > 0)
    check_known((shop.products[place]["id"] for place in places.tolist()), shop.split.before, "the clusters")
    maker.write(shop.products, vectors, maker.cluster(vectors[places]))


def _image_dim(products: Sequence[Mapping[str, Any]], space: SpaceSettings) -> int:
    """Length of the picture half; 0 where no product has a picture, as there is nothing to learn from it."""
    return space.image_dim if any(product.get("image") for product in products) else 0
