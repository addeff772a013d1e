"""Batches of photo and catalogue picture, rendered on the fly; batch ``i`` is the same in every run of a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from ensemble.image import fit
from sample.camera import photograph
from training.shop_cache import INPUT, PICTURE_SIDE, ShopCache

MEAN = (0.5, 0.5, 0.5)
STD = (0.25, 0.25, 0.25)
_KINDS_A_BATCH = 8


@dataclass(frozen=True)
class Batch:
    """Row i of every tensor is the same product.

    Attributes:
        photos: (batch, 3, 96, 96) float, normalised.
        pictures: (batch, 3, 96, 96) float, normalised.
        targets: (batch,) places of the products in the shop.
    """

    photos: Tensor
    pictures: Tensor
    targets: Tensor


def normalised(pixels: NDArray[np.uint8]) -> Tensor:
    """Turn (batch, H, W, 3) uint8 into (batch, 3, H, W) float: scaled to 0..1, less ``MEAN``, over ``STD``."""
    scaled = torch.from_numpy(pixels.astype(np.float32)) / 255.0
    return ((scaled - torch.tensor(MEAN)) / torch.tensor(STD)).permute(0, 3, 1, 2)


class PhotoBatches(Dataset[Batch]):
    """Batches by number. Even ones mix all kinds; odd ones take a few kinds, so that the negatives are hard."""

    def __init__(self, shop: ShopCache, batch_size: int, seed: int) -> None:
        self._shop = shop
        self._batch_size = batch_size
        self._seed = seed

    def _choose(self, number: int, rng: np.random.Generator) -> NDArray[np.int64]:
        count = len(self._shop.titles)
        if number % 2 == 0:
            return rng.choice(count, self._batch_size, replace=False)
        kinds = rng.choice(int(self._shop.kinds.max()) + 1, _KINDS_A_BATCH, replace=False)
        return rng.choice(np.flatnonzero(np.isin(self._shop.kinds, kinds)), self._batch_size, replace=False)

    def photo(self, place: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Take a new photo of the product at ``place``; (96, 96, 3) uint8."""
        figure = Image.fromarray(np.asarray(self._shop.sprites[place]))
        near = rng.integers(len(self._shop.titles), size=rng.integers(0, 4))
        others = [Image.fromarray(np.asarray(self._shop.sprites[i])) for i in near]
        short = int(rng.integers(PICTURE_SIDE, 145))
        size = (short * 4 // 3, short) if rng.random() < 0.67 else (short, short * 4 // 3)
        return np.asarray(fit(photograph(figure, others, size, rng), INPUT))

    def __getitem__(self, number: int) -> Batch:
        """Render batch ``number``."""
        rng = np.random.default_rng([self._seed, number])
        chosen = self._choose(number, rng)
        photos = np.stack([self.photo(int(place), rng) for place in chosen])
        return Batch(normalised(photos), normalised(self._shop.pictures[chosen]), torch.from_numpy(chosen))
