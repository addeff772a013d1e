"""Embeds a catalogue with the very graphs that will serve it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from catalogue import Product
from ensemble.pipeline import Encoders
from ensemble.product import product_text
from export.check import MAX_NORM_ERROR, norm_error
from export.errors import GateFailed
from export.pictures import PictureSource

BATCH = 32

Rows = NDArray[np.float32]
Advance = Callable[[int], None]


def embed(encoders: Encoders, products: Sequence[Product], pictures: PictureSource, advance: Advance) -> Rows:
    """Rows ``(products, text_dim + image_dim)`` in the order of the products.

    Texts of like length are embedded together, since each batch is padded to its longest.

    Args:
        encoders: Towers and preprocessing of the release.
        products: At least one.
        pictures: Reads their pictures.
        advance: Told how many more are done.

    Raises:
        GateFailed: A half is not finite or not of length 1; names the products.
        UnreadablePicture: A picture vanished since it was checked.
        InvalidInput: A picture changed since it was checked.
    """
    rows = np.zeros((len(products), encoders.text_tower.dim + encoders.vision_tower.dim), np.float32)
    for batch in _batches(products, encoders):
        chosen = [products[at] for at in batch]
        images = [pictures.read(product.image) if product.image else b"" for product in chosen]
        rows[batch] = encoders.embed_product([product.as_dict() for product in chosen], images)
        hold_rows(rows[batch], chosen, encoders.text_tower.dim)
        advance(len(batch))
    return rows


def _batches(products: Sequence[Product], encoders: Encoders) -> Iterator[list[int]]:
    lengths = [len(product_text(product.as_dict(), encoders.product)) for product in products]
    order = np.argsort(lengths, kind="stable").tolist()
    for start in range(0, len(order), BATCH):
        yield order[start : start + BATCH]


def hold_rows(rows: Rows, products: Sequence[Product], text_dim: int) -> None:
    """Check that each half is a unit vector; the image half of a product without a picture is left alone.

    Raises:
        GateFailed: One is not; names the products.
    """
    shown = [at for at, product in enumerate(products) if product.image]
    for half, part, owners in (
        ("text", rows[:, :text_dim], products),
        ("image", rows[shown, text_dim:], [products[at] for at in shown]),
    ):
        errors = norm_error(part)
        if len(errors) and errors.max() > MAX_NORM_ERROR:
            worst = [f"product {owners[at].id!r}" for at in np.argsort(errors)[::-1][:3]]
            raise GateFailed(f"{half} vectors: difference of length to 1", float(errors.max()), MAX_NORM_ERROR, worst)
