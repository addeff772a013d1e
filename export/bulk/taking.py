"""Takes the rows of a release from shards, and encodes only products that they do not have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalogue import Product
from ensemble.pipeline import Encoders
from ensemble.product import product_text
from export.bulk.contents import NONE, content_of, digest_of
from export.bulk.vectors import Vectors
from export.embedding import Advance, Rows, embed, hold_rows
from export.errors import BadVectors
from export.pictures import PictureSource

# Encoded again, and compared.
SAMPLE = 32
# Below it no half of a row may be: other kernels of the same graph, and float16, stay above by far.
MIN_COSINE = 0.999


def take(
    folder: Path,
    space_id: str,
    encoders: Encoders,
    products: Sequence[Product],
    pictures: PictureSource,
    advance: Advance,
) -> Rows:
    """Rows ``(products, text_dim + image_dim)``, as ``embed`` gives them.

    Args:
        folder: Of shards; it must be whole.
        space_id: The space of the release.
        encoders: Towers and preprocessing of the release.
        products: At least one.
        pictures: Reads their pictures.
        advance: Told how many more are done.

    Raises:
        BadVectors: The folder is not whole, of another space, or has rows that the towers do not give.
        GateFailed: A half is not finite or not of length 1; names the products.
    """
    vectors, manifest = Vectors.open(folder)
    if manifest.space_id != space_id:
        raise BadVectors(f"{folder}: of space {manifest.space_id}; allowed: that of the release, {space_id}")
    contents = [_content(product, encoders, pictures) for product in products]
    known = np.array([content in vectors for content in contents], np.bool_)
    rows = np.zeros((len(products), manifest.row_dim), np.float32)
    taken, missing = np.flatnonzero(known), np.flatnonzero(~known)
    rows[taken] = vectors.rows([contents[at] for at in taken])
    hold_rows(rows[taken], [products[at] for at in taken], encoders.text_tower.dim)
    _compare(folder, rows, taken, encoders, products, pictures)
    advance(len(taken))
    if len(missing):
        rows[missing] = embed(encoders, [products[at] for at in missing], pictures, advance)
    return rows


def _content(product: Product, encoders: Encoders, pictures: PictureSource) -> str:
    picture = digest_of(pictures.read(product.image)) if product.image else NONE
    return content_of(product_text(product.as_dict(), encoders.product), picture)


def _compare(
    folder: Path,
    rows: Rows,
    taken: NDArray[np.int64],
    encoders: Encoders,
    products: Sequence[Product],
    pictures: PictureSource,
) -> None:
    """Encode some products again, from one end of the catalogue to the other.

    Raises:
        BadVectors: A row of the folder is not near the one that the towers give.
    """
    places = np.linspace(0, len(taken) - 1, min(SAMPLE, len(taken))).astype(np.int64)
    sample = taken[places].tolist()
    if not sample:
        return
    chosen = [products[at] for at in sample]
    again = embed(encoders, chosen, pictures, lambda _: None)
    dim = encoders.text_tower.dim
    for half in (slice(None, dim), slice(dim, None)):
        ours, theirs = again[:, half], rows[sample, half]
        cosines = (ours * theirs).sum(axis=1)
        # A product without a picture has zeros there.
        bad = np.flatnonzero(ours.any(axis=1) & (cosines < MIN_COSINE))
        if len(bad):
            worst = bad[np.argmin(cosines[bad])]
            raise BadVectors(
                f"{folder}: the row of product {chosen[worst].id!r} has cosine {cosines[worst]:.6f} with the one that "
                f"the towers give; at least {MIN_COSINE} is asked"
            )
