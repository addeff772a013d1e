"""How the features of a product are made: learned from the catalogue that a tower was trained on, kept beside it."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ensemble.errors import DamagedRelease
from ensemble.features.categories import CategoryTable

FEATURES = "features.json"
FORMAT = 1
MAX_LEVELS = 8
_LEAST = {"text_dim": 1, "image_dim": 0, "levels": 1, "gram_buckets": 0, "max_grams": 1}


@dataclass(frozen=True)
class FeatureSettings:
    """How the features of a product are made.

    Args:
        text_dim: Length of the text half of a row.
        image_dim: Length of its image half; 0 where the tower does not look at pictures.
        levels: Levels of a category path that are told apart.
        categories: Paths that are known, each with its ancestors; see ``CategoryTable``.
        brand_field: The attribute that holds the brand; empty where brands are not looked at.
        brands: Brands that are known; the id of each is its place, counted from 1.
        price_edges: Ascending prices that part the buckets: ``n`` of them part ``n + 1``.
        price_mean: Mean of ``log(1 + price)`` over the catalogue.
        price_std: Its standard deviation.
        gram_buckets: Rows that pieces of titles are hashed to; 0 where titles are read through text vectors alone.
        max_grams: Pieces of a title that are kept; later ones are dropped.
        gram_sizes: Lengths of the pieces of a word, in characters; whole words are pieces too.

    Raises:
        ValueError: A value is not allowed; the message begins with the field's name in backticks.
    """

    text_dim: int
    image_dim: int = 0
    levels: int = 2
    categories: tuple[str, ...] = ()
    brand_field: str = ""
    brands: tuple[str, ...] = ()
    price_edges: tuple[float, ...] = ()
    price_mean: float = 0.0
    price_std: float = 1.0
    gram_buckets: int = 0
    max_grams: int = 64
    gram_sizes: tuple[int, ...] = (3, 5)

    def __post_init__(self) -> None:
        for name in ("categories", "brands", "price_edges", "gram_sizes"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name, bound in _LEAST.items():
            if getattr(self, name) < bound:
                raise ValueError(f"`{name}` must be at least {bound}, got {getattr(self, name)}")
        if self.levels > MAX_LEVELS:
            raise ValueError(f"`levels` must be at most {MAX_LEVELS}, got {self.levels}")
        self._check_names()
        self._check_prices()
        if any(size < 2 for size in self.gram_sizes):
            raise ValueError(f"`gram_sizes` must be at least 2 characters each, got {list(self.gram_sizes)}")

    def _check_names(self) -> None:
        for name in ("categories", "brands"):
            values = getattr(self, name)
            if len(set(values)) != len(values) or not all(values):
                raise ValueError(f"`{name}` must be names that differ and are not empty, got {list(values)[:8]}")
        if self.brands and not self.brand_field:
            raise ValueError(f"`brand_field` must name an attribute where there are `brands`, got {self.brand_field!r}")

    def _check_prices(self) -> None:
        if list(self.price_edges) != sorted(set(self.price_edges)) or not all(map(math.isfinite, self.price_edges)):
            raise ValueError(f"`price_edges` must be ascending finite prices, got {list(self.price_edges)}")
        if not (math.isfinite(self.price_mean) and math.isfinite(self.price_std) and self.price_std > 0):
            raise ValueError(f"`price_std` must be a number above 0, got {self.price_std} (mean {self.price_mean})")

    @property
    def row_dim(self) -> int:
        """Length of the part of a row that the tower reads."""
        return self.text_dim + self.image_dim

    @property
    def price_buckets(self) -> int:
        """Ids of price buckets: one for each, and 0 for a price that is missing."""
        return len(self.price_edges) + 2

    @property
    def gram_width(self) -> int:
        """Width of ``GRAMS``; a column of zeros where there are none."""
        return self.max_grams if self.gram_buckets else 1

    @cached_property
    def category_table(self) -> CategoryTable:
        """The ids of the categories."""
        return CategoryTable(self.categories, self.levels)

    @cached_property
    def brand_ids(self) -> dict[str, int]:
        """The id of each brand, as it is compared."""
        return {brand.casefold(): place for place, brand in enumerate(self.brands, start=1)}

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> FeatureSettings:
        """What ``as_dict`` gave.

        Raises:
            ValueError: Another format, or a value that is not allowed.
            TypeError: A field is missing or not known.
        """
        if content.get("format") != FORMAT:
            raise ValueError(f"`format` must be {FORMAT}, got {content.get('format')!r}")
        return cls(**{name: value for name, value in content.items() if name != "format"})

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(self.as_dict(), indent=2, ensure_ascii=False) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> FeatureSettings:
        """Read back what ``save`` wrote.

        Raises:
            DamagedRelease: The file is missing, or not such settings.
        """
        try:
            return cls.from_dict(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise DamagedRelease(f"{path}: feature settings that cannot be read: {error!r}") from error
