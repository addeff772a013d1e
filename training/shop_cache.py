"""The training shop, rendered once: sprites for photos, catalogue pictures, and the words of every product."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.image import fit
from ensemble.settings import ImageSettings
from sample.products import Product, shop
from sample.render import catalogue_picture
from sample.titles import paraphrase

SPRITE_SIDE = 128
PICTURE_SIDE = 96
_RENDER_SIDE = 256
_LAYOUT = 2
INPUT = ImageSettings(size=PICTURE_SIDE, resize="crop")


@dataclass(frozen=True)
class ShopCache:
    """Products to train on, all arrays in the same order.

    Attributes:
        sprites: (count, 128, 128, 4) uint8 RGBA, memory-mapped.
        pictures: (count, 96, 96, 3) uint8 catalogue pictures, memory-mapped.
        titles: titles of the products.
        paraphrases: the same products in other words.
        kinds: (count,) which kind each is of.
    """

    sprites: NDArray[np.uint8]
    pictures: NDArray[np.uint8]
    titles: tuple[str, ...]
    paraphrases: tuple[str, ...]
    kinds: NDArray[np.int64]


def products_without(titles: Collection[str], count: int, seed: int) -> list[Product]:
    """Return ``count`` products of the shop ``seed``, leaving out every product with a title in ``titles``."""
    taken = frozenset(titles)
    fresh = (product for product in shop(count + len(taken), seed) if product.title not in taken)
    return list(islice(fresh, count))


def _key(products: list[Product], seed: int) -> str:
    facts = json.dumps([_LAYOUT, seed, [product.title for product in products]])
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def _array(path: Path, shape: tuple[int, ...]) -> np.memmap[tuple[int, ...], np.dtype[np.uint8]]:
    """Make a uint8 ``.npy`` file that is written in place."""
    array: np.memmap[tuple[int, ...], np.dtype[np.uint8]] = np.lib.format.open_memmap(  # type: ignore[no-untyped-call]
        path, "w+", np.uint8, shape
    )
    return array


def _render(products: list[Product], folder: Path, tick: Callable[[], None]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    count = len(products)
    sprites = _array(folder / "sprites.part.npy", (count, SPRITE_SIDE, SPRITE_SIDE, 4))
    pictures = _array(folder / "pictures.part.npy", (count, PICTURE_SIDE, PICTURE_SIDE, 3))
    for place, product in enumerate(products):
        figure = product.figure(_RENDER_SIDE)
        sprites[place] = figure.reduce(_RENDER_SIDE // SPRITE_SIDE)
        pictures[place] = fit(catalogue_picture(figure, product.backdrop), INPUT)
        tick()
    sprites.flush()
    pictures.flush()
    (folder / "sprites.part.npy").rename(folder / "sprites.npy")
    (folder / "pictures.part.npy").rename(folder / "pictures.npy")


def cached_shop(folder: Path, products: list[Product], seed: int, tick: Callable[[], None] = lambda: None) -> ShopCache:
    """Open the rendered products under ``folder``, rendering them first where that was not done yet.

    Args:
        folder: where caches lie; each shop gets a folder named by a hash of its titles.
        products: what to render.
        seed: of the paraphrases, and part of the cache's key.
        tick: called after every product that had to be rendered.
    """
    home = folder / _key(products, seed)
    if not (home / "pictures.npy").is_file():
        _render(products, home, tick)
    rng = np.random.default_rng([seed, 3])
    names = sorted({product.kind.noun for product in products})
    return ShopCache(
        sprites=np.load(home / "sprites.npy", mmap_mode="r", allow_pickle=False),
        pictures=np.load(home / "pictures.npy", mmap_mode="r", allow_pickle=False),
        titles=tuple(product.title for product in products),
        paraphrases=tuple(paraphrase(product.words, rng) for product in products),
        kinds=np.asarray([names.index(product.kind.noun) for product in products]),
    )
