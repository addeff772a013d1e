"""A profile: one placement of the shop, with its task and its rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Literal

from ensemble.tasks.profile_checks import problems_of

Task = Literal["similar", "complement", "inspire"]
Fallback = Literal["similar", "popular"]


@dataclass(frozen=True)
class Profile:
    """What a placement recommends; ``tasks.toml`` beside this module explains each key.

    Args:
        name: The name that requests call it by.
        task: What is recommended.
        variants_by: Attribute whose equal values make products variants of one another; empty for none.
        near_duplicates: Cosine above which two products are variants, too; None for none.
        filter: Expression that every product must pass, beside the request's own; None for none.
        diversity: Weight of being unlike the products before it, 0 to 1 (maximal marginal relevance).
        per_category: Most products of one category; 0 for any number.
        per_brand: Most products of one brand; 0 for any number.
        brand: The attribute that holds the brand.
        category_level: How many levels of a category's path count; 0 for all.
        categories: How many complementary categories are asked.
        nearest: How many clusters are asked for a product of the history.
        skip: How many clusters nearer than these are left out.
        most_nearest: Largest ``nearest`` that a request may ask for.
        most_skip: Largest ``skip`` that a request may ask for.
        history: How many products a request is answered by, the newest.
        max_age_days: Older products of a history do not count for ``inspire``.
        half_life_days: Age at which a product's weight is halved; None for no decay.
        fallback: What follows, in this order, where the task gives too few.

    Raises:
        ValueError: Values are not allowed; names each with what is.
    """

    name: str
    task: Task
    variants_by: str = ""
    near_duplicates: float | None = None
    filter: Mapping[str, Any] | None = field(default=None, hash=False)
    diversity: float = 0.0
    per_category: int = 0
    per_brand: int = 0
    brand: str = "brand"
    category_level: int = 0
    categories: int = 5
    nearest: int = 3
    skip: int = 0
    most_nearest: int = 20
    most_skip: int = 20
    history: int = 100
    max_age_days: float = 7.0
    half_life_days: float | None = None
    fallback: tuple[Fallback, ...] = ("similar", "popular")

    def __post_init__(self) -> None:
        given = {key: value for key in KEYS if (value := getattr(self, key)) is not None}
        problems = list(problems_of(self.name, given | {"fallback": list(self.fallback)}, {}))
        if problems:
            raise ValueError("; ".join(problems))

    @cached_property
    def filter_text(self) -> bytes:
        """``filter`` as JSON; empty for none."""
        return b"" if self.filter is None else _written(self.filter)


def _written(expression: Mapping[str, Any]) -> bytes:
    return json.dumps(expression, separators=(",", ":"), ensure_ascii=False).encode()


KEYS = tuple(one.name for one in fields(Profile) if one.name != "name")
DEFAULTS: Mapping[str, Any] = {one.name: one.default for one in fields(Profile) if one.name in KEYS}
