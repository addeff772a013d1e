"""Popular lists, clusters and the twin of the features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.features import FeatureSettings, features_of
from export.errors import GateFailed
from export.gate.twin_features import features_by_hand
from export.recommending.clusters import cluster, how_many
from export.recommending.popular import MOST, popular_lists
from export.recommending.vectors import encode_products
from export.reference import Floats


def test_popular_products_are_listed_by_category_and_all_above_it() -> None:
    products = [
        {"id": "A", "category": "Kitchen/Mugs"},
        {"id": "B", "category": "Kitchen/Teas"},
        {"id": "C", "category": "Kitchen/Mugs"},
        {"id": "D", "category": ""},
        {"id": "E", "category": "Kitchen/Mugs"},
        {"id": "F", "category": "Sport"},
    ]
    counts = {"A": 2, "B": 5, "C": 2, "D": 3, "E": 0, "gone": 9}
    assert popular_lists(products, counts) == {
        "": ["B", "D", "A", "C"],
        "Kitchen": ["B", "A", "C"],
        "Kitchen/Mugs": ["A", "C"],
        "Kitchen/Teas": ["B"],
    }


def test_a_list_of_popular_products_is_short() -> None:
    products = [{"id": f"P{number:04}", "category": "A"} for number in range(MOST + 50)]
    lists = popular_lists(products, {product["id"]: 1 for product in products})
    assert [len(ids) for ids in lists.values()] == [MOST, MOST]
    assert lists["A"][:2] == ["P0000", "P0001"]


@pytest.mark.parametrize(
    ("products", "asked", "count"),
    [(1, 0, 1), (3, 0, 2), (3_958, 0, 63), (500_000, 0, 707), (4_000_000, 0, 1_000), (40, 100, 40), (4_000, 100, 100)],
)
def test_how_many_clusters(products: int, asked: int, count: int) -> None:
    assert how_many(products, asked) == count


def test_clusters_are_found_and_are_the_same_every_time() -> None:
    random = np.random.default_rng(2)
    centres = np.linalg.qr(random.normal(size=(8, 8)))[0][:5]
    vectors = (centres.repeat(40, axis=0) + random.normal(scale=0.05, size=(200, 8))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    centroids = cluster(vectors, 5)
    assert np.allclose(np.linalg.norm(centroids, axis=1), 1, atol=1e-5)
    assert ((centroids @ centres.T).max(axis=0) > 0.99).all()
    assert np.array_equal(centroids, cluster(vectors, 5))


def test_equal_products_still_have_clusters() -> None:
    vectors = np.tile(np.array([[1.0, 0.0]], np.float32), (6, 1))
    centroids = cluster(vectors, 3)
    assert np.isfinite(centroids).all()
    assert np.allclose(np.linalg.norm(centroids, axis=1), 1, atol=1e-5)


class _Spoiled:
    """A tower whose second vector is not one."""

    dim = 2

    def encode(self, rows: Floats, products: Any) -> Floats:
        vectors = np.tile(np.array([[0.6, 0.8]], np.float32), (len(rows), 1))
        vectors[1] = np.nan
        return vectors


def test_vectors_that_are_none_name_their_products() -> None:
    with pytest.raises(GateFailed, match="product 'B'"):
        encode_products(_Spoiled(), np.zeros((3, 4), np.float32), [{"id": name} for name in "ABC"])


SETTINGS = FeatureSettings(
    text_dim=4,
    levels=3,
    categories=("Kitchen", "Kitchen/Mugs", "Kitchen/Mugs/Tall", "Sport"),
    brand_field="brand",
    brands=("Acme", "Straße", "42", "true"),
    price_edges=(1.0, 5.0, 20.0),
    price_mean=2.0,
    price_std=0.7,
    gram_buckets=50,
    max_grams=12,
)
categories = st.sampled_from(
    ["", " ", "Kitchen", "Kitchen/Mugs", " Kitchen / Mugs ", "Kitchen/Mugs/Tall", "Kitchen/Pans", "Sport/Balls/Red/Big"]
)
brands = st.sampled_from(["Acme", "ACME", "STRASSE", "strasse", 42, 42.0, True, "other", "", None])
prices = st.none() | st.floats(0, 1e9) | st.sampled_from([1.0, 5.0, 20.0, float("nan"), -1.0])
documents = st.fixed_dictionaries(
    {"title": st.text(max_size=30)},
    optional={"category": categories, "price": prices, "attributes": st.fixed_dictionaries({"brand": brands})},
)


@given(products=st.lists(documents, min_size=1, max_size=5))
def test_features_are_those_of_the_twin(products: list[dict[str, Any]]) -> None:
    served, twin = features_of(products, SETTINGS), features_by_hand(products, SETTINGS)
    assert set(served) == set(twin)
    for name, tensor in served.items():
        assert tensor.dtype == twin[name].dtype
        assert tensor.shape == twin[name].shape
        assert np.allclose(tensor, twin[name], rtol=0, atol=1e-5), name
