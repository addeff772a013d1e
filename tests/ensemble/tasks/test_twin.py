"""Whatever is asked, the answer is that of the slow twin: tasks, filters, weights, variants, caps, diversity, turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble.index import Still
from ensemble.tasks import Recommender
from ensemble.tasks.profile import Profile
from ensemble.tasks.profiles import Profiles
from tests.ensemble.tasks.shops import COMPLEMENTS, DAY_S, NOW_S, answer, catalogue, index_of, popular, shop_of
from tests.ensemble.tasks.twin import Twin, Wish

COUNT = 120
FILTERS: list[Mapping[str, Any] | None] = [
    None,
    {"eq": ["available", True]},
    {"range": ["price", 5, 9]},
    {"not": {"under": ["category", "Kitchen"]}},
    {"eq": ["brand", "B1"]},
    {"range": ["price", 100, None]},
]


@cache
def twin() -> Twin:
    products, vectors = catalogue(COUNT, 3)
    return Twin(products, vectors, shop_of(products, vectors), COMPLEMENTS, popular(products))


@cache
def fixed() -> Recommender:
    """A recommender whose profiles are replaced example by example: its index is made once."""
    one = twin()
    products, vectors = catalogue(COUNT, 3)
    return Recommender(one.shop, Still(index_of(products, vectors)), clock=lambda: NOW_S)


def with_profile(profile: Profile) -> Recommender:
    recommender = fixed()
    shop = replace(recommender.shop, profiles=Profiles({profile.name: profile}))
    return Recommender(shop, recommender.source, clock=lambda: NOW_S)


profiles = st.builds(
    Profile,
    name=st.just("any"),
    task=st.sampled_from(["similar", "complement", "inspire"]),
    variants_by=st.sampled_from(["", "family", "size", "nowhere"]),
    near_duplicates=st.sampled_from([None, 0.5, 0.995]),
    filter=st.sampled_from([None, {"eq": ["available", True]}]),
    category_level=st.sampled_from([0, 1]),
    categories=st.integers(1, 4),
    max_age_days=st.sampled_from([1.0, 7.0]),
    half_life_days=st.sampled_from([None, 2.0]),
    fallback=st.sampled_from([(), ("popular",), ("similar", "popular"), ("popular", "similar")]),
)


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    numbers = draw(st.lists(st.integers(0, COUNT - 1), min_size=1, max_size=5, unique=True))
    weights = [1.0] + [draw(st.sampled_from([0.5, 1.0, 2.0, -0.5])) for _ in numbers[1:]]
    ages = draw(st.none() | st.just([float(day) for day in range(0, 3 * len(numbers), 3)]))
    return Wish(
        ids=[f"P{number}" for number in numbers],
        weights=weights,
        ages_days=ages,
        k=draw(st.sampled_from([1, 4, 10, 40])),
        filter=draw(st.sampled_from(FILTERS)),
        seen=[f"P{number}" for number in draw(st.lists(st.integers(0, COUNT + 5), max_size=40))],
        categories=draw(st.sampled_from([(), ("Home",), ("Kitchen/Teas", "Sport", "Nowhere")])),
        nearest=draw(st.integers(1, 5)),
        skip=draw(st.integers(0, 3)),
        diversity=draw(st.sampled_from([0.0, 0.0, 0.3, 1.0])),
        per_category=draw(st.sampled_from([0, 0, 1, 3])),
        per_brand=draw(st.sampled_from([0, 0, 2])),
    )


def inputs_of(wish: Wish) -> dict[str, Any]:
    given: dict[str, Any] = {
        "weights": list(wish.weights),
        "k": wish.k,
        "seen": list(wish.seen),
        "nearest": wish.nearest,
        "skip": wish.skip,
        "diversity": np.float32(wish.diversity).item(),
        "per_category": wish.per_category,
        "per_brand": wish.per_brand,
    }
    if wish.ages_days is not None:
        given["times"] = [int(NOW_S - DAY_S * age) for age in wish.ages_days]
    if wish.filter is not None:
        given["filter"] = dict(wish.filter)
    if wish.categories:
        given["category"] = list(wish.categories)
    return given


@given(profiles, wishes())
@settings(max_examples=120, deadline=None, derandomize=True)
def test_any_answer_is_the_twins(profile: Profile, wish: Wish) -> None:
    found = answer(with_profile(profile), *wish.ids, task="any", **inputs_of(wish))
    chosen = list(zip(found.found.ids[0], found.rules[0], strict=True))
    assert chosen == twin().answer(profile, wish)
    own = sum(rule.partition(":")[0] == profile.task for _, rule in chosen)
    assert bool(found.reasons[0]) == (own < wish.k)


@pytest.mark.parametrize("diversity", [0.3, 1.0])
@pytest.mark.parametrize("task", ["similar", "complement"])
def test_diversity_looks_at_as_many_candidates_as_the_twin(
    task: Literal["similar", "complement"], diversity: float
) -> None:
    profile = Profile("any", task, fallback=())
    asked = with_profile(profile)
    for number in range(20):
        wish = Wish([f"P{number}"], [1.0], diversity=diversity, categories=("Home", "Kitchen"))
        found = answer(asked, *wish.ids, task="any", **inputs_of(wish))
        assert list(zip(found.found.ids[0], found.rules[0], strict=True)) == twin().answer(profile, wish)
