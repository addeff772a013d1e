"""Features of products: golden values worked out by hand, and what holds for any product at all."""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.errors import DamagedRelease
from ensemble.features import BRAND, CATEGORY, GRAMS, PRICE, PRICE_BUCKET, FeatureSettings, features_of
from ensemble.features.grams import gram_ids, words

SETTINGS = FeatureSettings(
    text_dim=4,
    levels=3,
    categories=("Home", "Kitchen", "Kitchen/Mugs", "Kitchen/Mugs/Tall"),
    brand_field="brand",
    brands=("acme", "żubr"),
    price_edges=(1.0, 10.0),
    price_mean=math.log1p(9.0),
    price_std=2.0,
    gram_buckets=1000,
    max_grams=6,
    gram_sizes=(3,),
)


def _product(**fields: Any) -> dict[str, Any]:
    return {"id": "P", "title": "Mug", "category": "", "price": None, "attributes": {}} | fields


@pytest.mark.parametrize(
    ("category", "ids"),
    [
        ("Kitchen/Mugs/Tall", [2, 3, 4]),
        ("Kitchen/Mugs", [2, 3, 3]),
        (" Kitchen / Mugs / Wide ", [2, 3, 3]),
        ("Kitchen/Pans/Wok", [2, 2, 2]),
        ("Kitchen", [2, 2, 2]),
        ("Garden/Mugs", [0, 0, 0]),
        ("", [0, 0, 0]),
        (None, [0, 0, 0]),
    ],
)
def test_a_level_that_is_not_known_is_its_parent(category: str | None, ids: list[int]) -> None:
    assert features_of([_product(category=category)], SETTINGS)[CATEGORY].tolist() == [ids]


def test_every_known_category_stands_at_its_id() -> None:
    table = SETTINGS.category_table
    assert table.table()[:, -1].tolist() == [0, 1, 2, 3, 4]
    assert table.known("Kitchen/Mugs/Wide") == "Kitchen/Mugs"
    assert table.known("Garden") == ""


@pytest.mark.parametrize(
    ("price", "expected", "bucket"),
    [
        (9.0, [0.0, 1.0], 2),
        (0, [-math.log1p(9.0) / 2, 1.0], 1),
        (1.0, [(math.log1p(1.0) - math.log1p(9.0)) / 2, 1.0], 2),
        (10.0, [(math.log1p(10.0) - math.log1p(9.0)) / 2, 1.0], 3),
        (1e300, [6.0, 1.0], 3),
        (None, [0.0, 0.0], 0),
        (math.nan, [0.0, 0.0], 0),
        (math.inf, [0.0, 0.0], 0),
        (-3.0, [0.0, 0.0], 0),
    ],
)
def test_prices(price: float | None, expected: list[float], bucket: int) -> None:
    made = features_of([_product(price=price)], SETTINGS)
    assert made[PRICE][0].tolist() == pytest.approx(expected, abs=1e-6)
    assert made[PRICE_BUCKET].tolist() == [[bucket]]


def test_a_price_that_is_absent_is_missing() -> None:
    assert features_of([{"title": "Mug"}], SETTINGS)[PRICE_BUCKET].tolist() == [[0]]


@pytest.mark.parametrize(
    ("attributes", "brand"),
    [
        ({"brand": "Acme "}, 1),
        ({"brand": "ŻUBR"}, 2),
        ({"brand": "other"}, 0),
        ({"brand": None}, 0),
        ({}, 0),
        (None, 0),
    ],
)
def test_brands_are_compared_without_case(attributes: dict[str, Any] | None, brand: int) -> None:
    assert features_of([_product(attributes=attributes)], SETTINGS)[BRAND].tolist() == [[brand]]


def test_words_come_before_the_runs_within_them() -> None:
    expected = [zlib.crc32(piece.encode()) % 1000 + 1 for piece in ("red", "mug", "<re", "red", "ed>", "<mu")]
    assert features_of([_product(title="Red, MUG")], SETTINGS)[GRAMS].tolist() == [expected]


def test_short_titles_are_padded_by_zero() -> None:
    found = features_of([_product(title="a"), _product(title="")], SETTINGS)[GRAMS].tolist()
    assert found == [[zlib.crc32(b"a") % 1000 + 1, zlib.crc32(b"<a>") % 1000 + 1, 0, 0, 0, 0], [0] * 6]


def test_one_word_in_two_forms_of_unicode_is_one_word() -> None:
    assert words("CAFÉ") == words("cafe\u0301") == ["café"]
    assert gram_ids("ﬁsh", 1000, (3,), 9) == gram_ids("FISH", 1000, (3,), 9)


def test_without_buckets_titles_are_not_read() -> None:
    assert features_of([_product()], FeatureSettings(text_dim=4))[GRAMS].tolist() == [[0]]


@given(
    st.lists(
        st.fixed_dictionaries(
            {"title": st.text(max_size=40), "category": st.none() | st.text(max_size=20)},
            optional={
                "price": st.none() | st.floats() | st.integers(-5, 10**6),
                "attributes": st.none() | st.dictionaries(st.sampled_from(["brand", "x"]), st.text() | st.booleans()),
            },
        ),
        max_size=5,
    )
)
def test_any_product_has_features_within_their_tables(products: list[dict[str, Any]]) -> None:
    made = features_of(products, SETTINGS)
    shapes = {CATEGORY: 3, BRAND: 1, PRICE: 2, PRICE_BUCKET: 1, GRAMS: 6}
    assert {name: tensor.shape for name, tensor in made.items()} == {
        name: (len(products), width) for name, width in shapes.items()
    }
    for name, most in ((CATEGORY, 4), (BRAND, 2), (PRICE_BUCKET, 3), (GRAMS, 1000)):
        assert made[name].dtype == np.int64
        assert ((made[name] >= 0) & (made[name] <= most)).all()
    assert made[PRICE].dtype == np.float32
    assert np.isfinite(made[PRICE]).all()
    alone = [features_of([product], SETTINGS) for product in products]
    for name, tensor in made.items():
        assert all(np.array_equal(tensor[row : row + 1], one[name]) for row, one in enumerate(alone))


def test_settings_come_back_as_they_were(tmp_path: Path) -> None:
    SETTINGS.save(tmp_path / "features.json")
    assert FeatureSettings.load(tmp_path / "features.json") == SETTINGS


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2, "text_dim": 4}', '{"format": 1, "texts": 4}'])
def test_damaged_settings_are_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "features.json").write_text(content)
    with pytest.raises(DamagedRelease, match=r"features\.json: feature settings that cannot be read"):
        FeatureSettings.load(tmp_path / "features.json")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text_dim": 0}, "`text_dim` must be at least 1, got 0"),
        ({"levels": 9}, "`levels` must be at most 8, got 9"),
        ({"categories": ("a", "a")}, "`categories` must be names that differ"),
        ({"brands": ("a",)}, "`brand_field` must name an attribute"),
        ({"price_edges": (2.0, 1.0)}, "`price_edges` must be ascending"),
        ({"price_std": 0.0}, "`price_std` must be a number above 0"),
        ({"gram_sizes": (1,)}, "`gram_sizes` must be at least 2 characters"),
    ],
)
def test_settings_that_are_not_allowed(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FeatureSettings(**{"text_dim": 4} | changes)
