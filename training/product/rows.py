"""The rows that a product tower reads: made by the locked text tower, or taken from the index of a release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble import settings
from ensemble.index.snapshot import load
from ensemble.product import product_text
from ensemble.release import releases
from ensemble.settings import ProductSettings, SpaceSettings
from training.errors import TrainingInputError
from training.text import LockedTextTower, cached_texts

_SHOWN = 5


@dataclass(frozen=True)
class ProductRows:
    """Rows of products.

    Attributes:
        products: as ``catalogue.Product.as_dict`` gives them; those without a row are left out.
        rows: (products, text_dim + image_dim), row i of product i.
        image_dim: length of the picture half.
    """

    products: list[dict[str, Any]]
    rows: NDArray[np.float32]
    image_dim: int = 0


def rows_of_texts(products: Sequence[Mapping[str, Any]], fields: tuple[str, ...], cache: Path) -> ProductRows:
    """Embed the products' texts by the locked text tower; there is no picture half.

    Args:
        products: at least one.
        fields: that make a product's text, as ``[product]`` of a release's towers names them.
        cache: folder that keeps the vectors.
    """
    made = ProductSettings(fields)
    texts = [product_text(product, made) for product in products]
    return ProductRows([dict(product) for product in products], cached_texts(LockedTextTower(), texts, cache).numpy())


def rows_of_release(products: Sequence[Mapping[str, Any]], store: Path, release: int | None = None) -> ProductRows:
    """Take the very rows that a release's index serves, its pictures' halves too.

    Args:
        products: those that the index does not have are left out.
        store: where the release is.
        release: its number; the newest without.

    Raises:
        TrainingInputError: there is no such release, or its index has none of the products.
        DamagedRelease: a file of the release cannot be used.
    """
    known = releases(store)
    number = release if release is not None else max(known, default=0)
    if number not in known:
        raise TrainingInputError(f"store: {store} has no release {number or ''}; it has {known or 'none'}")
    folder = store / "models" / "retrieve" / str(number)
    space = settings.read(folder / "settings.json", "space", SpaceSettings)
    slots = load(folder / "index", space_id=space.space_id)
    places = np.asarray(slots.find([str(product["id"]) for product in products]))
    held = np.flatnonzero(places >= 0)
    if not len(held):
        shown = [str(product["id"]) for product in products[:_SHOWN]]
        raise TrainingInputError(f"catalogue: release {number} of {store} has none of its products, such as {shown}")
    rows = np.array(slots.rows(places[held]), np.float32)
    return ProductRows([dict(products[at]) for at in held.tolist()], rows, space.image_dim)
