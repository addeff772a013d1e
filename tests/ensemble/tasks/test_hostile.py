"""What is long, deep, much, or long gone costs little, and is told in few words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ensemble.errors import InvalidInput
from ensemble.features.categories import MOST_LEVELS, CategoryTable, ancestors
from ensemble.features.grams import MOST_CHARACTERS, gram_ids, pieces
from ensemble.index import Still
from ensemble.product_checks import MAX_ID_CHARS
from ensemble.recommending import _warm
from ensemble.tasks import BadProfiles, Profile, Profiles, Recommender
from ensemble.tasks.clusters import Clusters
from ensemble.tasks.names import MOST_ASKED, MOST_CATEGORY_CHARACTERS, MOST_SEEN
from ensemble.tasks.view import under, upper
from tests.ensemble.tasks.shops import (
    SPACE,
    Product,
    answer,
    catalogue,
    index_of,
    recommender,
    request,
    shop_of,
)

INSPIRE = '[insp]\ntask = "inspire"\nnear_duplicates = 0.995\nfallback = []\n'
OPEN = {"eq": ["available", True]}


@pytest.fixture(scope="module")
def asked() -> Recommender:
    return recommender()


def over(products: Sequence[Product], vectors: Any, tasks: str | None = None) -> Recommender:
    return Recommender(shop_of(products, vectors, tasks), Still(index_of(products, vectors)))


def refusal(asked: Recommender, given: dict[str, Any]) -> str:
    (error,) = asked.answer([given])
    assert isinstance(error, InvalidInput), error
    return str(error)


def rows(count: int, **inputs: Any) -> dict[str, Any]:
    return {name: np.repeat(value, count, axis=0) for name, value in request("P1", **inputs).items()}


def nested(depth: int) -> dict[str, Any]:
    """A filter of so many levels."""
    return OPEN if depth == 1 else {"not": nested(depth - 1)}


def test_only_the_first_levels_of_a_deep_category_are_told_apart() -> None:
    deep = "/".join(["a"] * 30_000)
    assert len(ancestors(deep)) == MOST_LEVELS
    upper_half = "/".join(["a"] * MOST_LEVELS)
    assert CategoryTable((upper_half,), 2).known(deep) == upper_half


def test_a_long_category_is_told_shortened(asked: Recommender) -> None:
    product = json.dumps({"title": "new", "category": "b" * 5_000})
    (found,) = asked.answer([request(row=[1.0] * SPACE.row_dim, product=product, task="complement", k=3)])
    assert f"no category goes with '{'b' * 80}'...;" in found.reasons[0]  # type: ignore[union-attr]


def test_what_is_remembered_is_bounded_in_bytes(asked: Recommender) -> None:
    long = "y" * (MOST_CATEGORY_CHARACTERS + 1)
    before = under.cache_info().currsize
    assert refusal(asked, request("P1", task="complement", category=[long])) == (
        "CATEGORY: one of 1,025 characters; at most 1,024 are allowed"
    )
    assert under.cache_info().currsize == before
    assert upper(long, 1) == long
    pieces.cache_clear()
    found = gram_ids("w" * 60_000, 1_000, (3,), 1_000)
    assert len(found) == 1 + MOST_CHARACTERS
    assert found == gram_ids("w" * MOST_CHARACTERS, 1_000, (3,), 1_000)
    gram_ids(" ".join(f"word{number}" for number in range(1_000)), 1_000, (3,), 10)
    assert pieces.cache_info().currsize <= 11


def test_long_ids_and_names_are_refused_or_shortened(asked: Recommender) -> None:
    assert refusal(asked, request("X" * (MAX_ID_CHARS + 1))) == (
        "PRODUCT_ID: one of 257 characters; at most 256 are allowed"
    )
    assert len(refusal(asked, request("P1", task="X" * 100_000))) < 250
    assert len(answer(asked, "P1", *(f"{'X' * 250}{number}" for number in range(5)), k=3).reasons[0]) < 500


def test_the_work_of_a_request_is_bounded_over_its_rows(asked: Recommender) -> None:
    most = [f"C{number}" for number in range(20)]
    (plain, much) = asked.answer([rows(64, task="complement"), rows(8, task="complement", category=most, k=200)])
    assert not isinstance(plain, Exception)
    assert not isinstance(much, Exception)
    assert refusal(asked, rows(9, task="complement", category=most, k=200)) == (
        f"K: the rows ask for 36,000 products, each for K of every search; at most {MOST_ASKED:,} are allowed: "
        "ask for fewer products, or in fewer rows"
    )
    seen = [f"S{number}" for number in range(8_000)]
    (answered,) = asked.answer([rows(4, seen=seen)])
    assert not isinstance(answered, Exception)
    assert refusal(asked, rows(5, seen=seen)) == (
        f"SEEN: the rows name 40,000 products; at most {MOST_SEEN:,} are allowed together"
    )


def test_searches_that_take_turns_share_the_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = recommender(600, tasks='[goes]\ntask = "complement"\nfallback = []\n')
    counts = list[int]()
    with asked.index.reading() as state:
        search = type(state).search

    def noted(self: Any, queries: Any, wanted: Sequence[int], *rest: Any) -> Any:
        counts.extend(wanted)
        return search(self, queries, wanted, *rest)

    monkeypatch.setattr(type(state), "search", noted)
    many = ["Kitchen", "Home", "Sport", "Kitchen/Mugs", "Kitchen/Teas", "Home/Lamps", "Home/Chairs", "A", "B", "C"]
    answer(asked, "P1", task="goes", category=many, per_brand=1, k=50)
    assert max(counts) == 100 + 1  # beside the product itself
    counts.clear()
    answer(asked, "P1", task="goes", category=many, per_brand=1, k=150)
    assert max(counts) == 150 + 1


def test_a_filter_of_the_callers_own_bounds_can_always_be_joined() -> None:
    tasks = f'[goes]\ntask = "complement"\nfallback = []\nfilter = {{ not = {{ eq = ["price", 500] }} }}\n{INSPIRE}'
    asked = recommender(tasks=tasks)
    wide = {"in": ["brand", ["é" * 18 + str(number) for number in range(1_000)]]}
    many = {"or": [{"eq": ["price", float(number)]} for number in range(254)]}
    for one in (nested(14), wide, many):
        text = json.dumps(one, ensure_ascii=False)
        (found,) = asked.answer([request("P1", task="goes", category=["Sport"], filter=[text])])
        assert not isinstance(found, Exception), found
    for name, one, told in (
        ("goes", nested(15), "nested deeper than 14"),
        ("insp", nested(15), "nested deeper than 14"),
        ("goes", {"or": [{"eq": ["price", 1.0]}] * 255}, "255 comparisons up to here; at most 254 are allowed"),
    ):
        assert told in refusal(asked, request("P1", task=name, category=["Sport"], filter=one))
    text = '{"eq": ["brand", "' + "x" * 60_000 + '"]}'
    assert refusal(asked, request("P1", task="goes", filter=[text])).startswith("FILTER: 60,021 bytes; at most 57,3")
    assert answer(asked, "P1", task="goes", filter=['{"eq": ["brand", "\\ud800"]}']).found.ids == [[]]


def test_a_filter_of_a_profile_that_could_not_be_joined_is_told_of() -> None:
    profiles = Profiles({"deep": Profile("deep", "similar", filter=nested(15))})
    with pytest.raises(BadProfiles, match="nested deeper than 14"):
        profiles.check(recommender().index.slots.columns)


def test_inspire_goes_on_to_the_next_cluster_where_a_filter_empties_the_first() -> None:
    asked = recommender(200, tasks=INSPIRE)
    narrow = {"and": [{"range": ["size", 0, 0]}, {"under": ["category", "Sport"]}]}
    for number in range(40):
        few, more = (answer(asked, f"P{number}", task="insp", k=k, filter=narrow).found.ids[0] for k in (1, 3))
        assert few == more[:1]


def test_inspire_scores_no_cluster_whose_turn_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, scored = recommender(200, tasks=INSPIRE), list[int]()
    members = Clusters.members

    def noted(self: Clusters, slots: Any, cluster: int) -> Any:
        scored.append(cluster)
        return members(self, slots, cluster)

    monkeypatch.setattr(Clusters, "members", noted)
    assert len(answer(asked, "P1", task="insp", nearest=12, k=2).found.ids[0]) == 2
    assert len(scored) == 2


def test_a_product_that_a_dislike_cancels_out_is_left_out_of_a_history() -> None:
    products, vectors = catalogue(200, 3)
    vectors[5] = vectors[6]
    asked = over(products, vectors)
    found = answer(asked, "P5", "P20", "P30", "P6", weights=[1, 1, 1, -1], task="inspire")
    assert {rule.partition(":")[0] for rule in found.rules[0]} == {"inspire"}
    assert refusal(asked, request("P5", "P6", weights=[1, -1], task="inspire")).startswith("WEIGHTS: the products")


def test_weights_are_judged_once_the_history_is_cut(asked: Recommender) -> None:
    names = [f"P{number}" for number in range(110)]
    newest = [-1.0] * 100 + [1.0] * 10
    assert refusal(asked, request(*names, weights=newest)).endswith(
        "and more of the newest 100 products: none is above 0; at least one weight above 0 is needed"
    )
    assert answer(asked, *names, weights=[1.0] * 100 + [np.nan] * 10).found.ids[0]


def test_a_vector_without_a_direction_is_told_by_its_input() -> None:
    products, vectors = catalogue(60, 3)
    vectors[7] = 0
    asked = over(products, vectors)
    told = "its vector has length 0; a product with a direction is needed"
    for task in ("similar", "inspire"):
        assert refusal(asked, request("P7", task=task)) == f"PRODUCT_ID: {told}"
    row = [0.0] * SPACE.text_dim + [1.0] * SPACE.image_dim
    assert refusal(asked, request(row=row, product={"title": "x"})) == f"ROW: {told}"


def test_a_history_of_deleted_products_gives_what_is_popular(asked: Recommender) -> None:
    found = answer(asked, "GONE", "LOST", task="inspire", k=5)
    assert set(found.rules[0]) == {"popular:"}
    assert found.reasons[0] == (
        "not in the index and left out: 'GONE', 'LOST'; inspire gave 0 of 5, as no product of the history is in the "
        "index; popular gave 5"
    )


def test_the_first_product_may_be_deleted_when_a_recommender_is_warmed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = recommender()
    asked.index.slots.valid[0] = False
    warmed = list[Any]()
    monkeypatch.setattr(asked, "answer", warmed.extend)
    _warm(asked)
    assert {one["PRODUCT_ID"].item() for one in warmed} == {b"P1"}
