"""What a product tower reads of a product besides its row: category, brand, price and the pieces of its title.

Made by numpy alone, the same in training, in an export and in the server, so that no skew can arise.
"""

from __future__ import annotations

from ensemble.features.categories import CategoryTable, path_of
from ensemble.features.making import BRAND, CATEGORY, GRAMS, INPUTS, PRICE, PRICE_BUCKET, ROW, features_of
from ensemble.features.settings import FEATURES, FeatureSettings

__all__ = [
    "BRAND",
    "CATEGORY",
    "FEATURES",
    "GRAMS",
    "INPUTS",
    "PRICE",
    "PRICE_BUCKET",
    "ROW",
    "CategoryTable",
    "FeatureSettings",
    "features_of",
    "path_of",
]
