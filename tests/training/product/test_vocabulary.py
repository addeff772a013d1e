"""What features know: worked out by hand from a handful of products."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ensemble.features import FeatureSettings
from training.errors import TrainingInputError
from training.product.vocabulary import Vocabulary


def _products() -> list[dict[str, Any]]:
    categories = ["A/B/C/D", "A/B/C", "A/X", "E", "", None]
    prices = [1.0, 3.0, 7.0, None, math.nan, 15.0]
    brands: list[Any] = ["Acme", "acme ", 7, None, "other", "ACME"]
    return [
        {"id": str(at), "category": category, "price": price, "attributes": {"brand": brand}}
        for at, (category, price, brand) in enumerate(zip(categories, prices, brands, strict=True))
    ]


def test_what_is_frequent_enough_is_known() -> None:
    found = Vocabulary(levels=3, min_category=2, min_brand=3, price_buckets=2).settings(_products(), 4)
    assert found.categories == ("A", "A/B", "A/B/C")
    assert found.levels == 3
    assert (found.brand_field, found.brands) == ("brand", ("acme",))
    logs = [math.log(2), math.log(4), math.log(8), math.log(16)]
    assert found.price_mean == pytest.approx(sum(logs) / 4)
    assert found.price_std == pytest.approx(math.sqrt(sum((log - sum(logs) / 4) ** 2 for log in logs) / 4))
    assert found.price_edges == (3.0,)


def test_levels_are_no_more_than_there_are() -> None:
    assert Vocabulary(levels=8, min_category=1).settings(_products(), 4).levels == 4


def test_nothing_known_is_allowed() -> None:
    assert Vocabulary(brand="").settings([{"id": "1"}], 4, 2) == FeatureSettings(text_dim=4, image_dim=2, levels=1)
    assert Vocabulary().settings([], 4) == FeatureSettings(text_dim=4, levels=1)


def test_bounds() -> None:
    with pytest.raises(TrainingInputError, match="levels: got 0, must be at least 1"):
        Vocabulary(levels=0)
