"""What a product tower is judged on: held-out products to ask with, and products to find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from catalogue import Product
from ensemble.features import BRAND, CATEGORY, GRAMS, PRICE, PRICE_BUCKET, FeatureSettings, features_of
from export.gate.inputs import split, spread
from export.gate.preparation import Feed, Preparation, Values
from export.gate.trial import Item, Kind, Limits, Raw, Trial
from export.precision.calibration import Calibration
from export.recommending.shelf import Shelf
from export.reference import Array

WHOLE_NUMBERS = (CATEGORY, BRAND, PRICE_BUCKET, GRAMS)
# Logarithms of two libraries differ by this much at most.
MAX_PRICE_DIFFERENCE = 1e-5
CALIBRATED = 512
BATCH = 16
# Products unlike any other: of no category and no price, and of the highest price and a title of many pieces.
STRANGERS: Sequence[Mapping[str, Any]] = (
    {"title": ""},
    {"title": "stranger " * 200, "category": "No/Such/Category", "price": 1e9},
)


@dataclass(frozen=True)
class ProductInputs:
    """Where the inputs of a product tower come from; see ``export.gate.inputs`` for the other towers.

    Args:
        products: The whole catalogue.
        shelf: Their documents and rows, in the same order.
        limits: How many are judged.
    """

    products: Sequence[Product]
    shelf: Shelf
    limits: Limits

    def trial(self, kind: Kind) -> Trial:
        """Held-out products, and products to find, from all over the catalogue.

        Raises:
            TooLittle: There are too few of either.
        """
        calibration, held_out = split(self.products)
        seen = {self._item(product).same for product in calibration}
        fresh = {item.same: item for item in map(self._item, held_out) if item.same not in seen}
        inputs = spread(list(fresh.values()), self.limits.held_out)
        return Trial(kind, tuple(inputs), tuple(map(self._item, spread(self.products, self.limits.products))))

    def calibration(self, settings: FeatureSettings) -> Calibration:
        """Products that the gate does not ask for, in batches.

        Raises:
            BadCalibration: There are none.
        """
        calibration, _ = split(self.products)
        places = [self.shelf.places[product.id] for product in spread(calibration, CALIBRATED)]
        parts = (places[start : start + BATCH] for start in range(0, len(places), BATCH))
        return Calibration([self.shelf.tensors(part, settings) for part in parts])

    def _item(self, product: Product) -> Item:
        label = f"{product.id} {product.title}"
        return Item(label, lambda: product.id, self.shelf.same(self.shelf.places[product.id]), product.id)


def product_preparation(shelf: Shelf, settings: FeatureSettings) -> Preparation:
    """Ids of products to the tensors of a product tower, both ways.

    Args:
        shelf: Has the products.
        settings: How their features are made.
    """

    def places(raws: Sequence[Raw]) -> list[int]:
        return [shelf.places[str(raw)] for raw in raws]

    def crowds(raws: Sequence[Raw]) -> list[Feed]:
        """Beside products unlike any other, with rows of zeros."""
        few, strange = shelf.tensors(places(raws), settings), features_of(STRANGERS, settings)
        zeros = {name: np.zeros_like(few[name][:1]).repeat(len(STRANGERS), axis=0) for name in few}
        return [{name: np.concatenate([few[name], strange.get(name, zeros[name])]) for name in few}]

    return Preparation(
        lambda raws: shelf.tensors(places(raws), settings),
        lambda raws: shelf.tensors_by_hand(places(raws), settings),
        _differing,
        crowds,
    )


def _differing(served: Feed, twin: Feed) -> Values:
    """``(batch,)``: 0 where a product's features are the twin's, else infinite."""
    same = [_equal(served[name], twin[name]) for name in WHOLE_NUMBERS]
    same.append((np.abs(served[PRICE] - twin[PRICE]) <= MAX_PRICE_DIFFERENCE).all(axis=1))
    return np.where(np.all(same, axis=0), 0.0, np.inf)


def _equal(served: Array, twin: Array) -> Array:
    if served.shape != twin.shape:
        return np.zeros(len(twin), bool)
    equal: Array = (served == twin).all(axis=1)
    return equal
