"""What follows where a task gives too few, in the order that the profile states, and what is told of it."""

from __future__ import annotations

import pytest

from ensemble.tasks import Recommended, Recommender
from ensemble.tasks.tables import Complements, Popular
from tests.ensemble.tasks.shops import DAY_S, NOW_S, answer, catalogue, recommender

PRODUCTS, _ = catalogue(120, 3)


def first(category: str | None) -> str:
    return next(str(product["id"]) for product in PRODUCTS if product["category"] == category)


def kinds(found: Recommended) -> list[str]:
    """The rules of an answer in the order in which they begin."""
    return list(dict.fromkeys(rule.partition(":")[0] for rule in found.rules[0]))


@pytest.fixture(scope="module")
def asked() -> Recommender:
    return recommender()


def test_nothing_is_told_where_the_task_itself_gives_all(asked: Recommender) -> None:
    for task in ("similar", "complement", "inspire"):
        found = answer(asked, first("Kitchen/Mugs"), task=task, k=5)
        assert (kinds(found), found.reasons) == ([task], [""])


def test_a_category_with_no_complement_falls_back_to_similar(asked: Recommender) -> None:
    found = answer(asked, first("Home/Chairs"), task="complement", k=5)
    assert kinds(found) == ["similar"]
    assert found.reasons == ["complement gave 0 of 5, as no category goes with 'Home/Chairs'; similar gave 5"]


def test_a_product_without_a_category_falls_back_to_similar(asked: Recommender) -> None:
    found = answer(asked, first(None), task="complement", k=5)
    assert found.reasons == ["complement gave 0 of 5, as the product has no category; similar gave 5"]


def test_complements_without_products_fall_back_to_similar(asked: Recommender) -> None:
    found = answer(asked, first("Home/Lamps"), task="complement", k=5)  # the map says Garden, which is empty
    assert found.reasons == ["complement gave 0 of 5, as no more products pass; similar gave 5"]


def test_the_order_is_complement_similar_popular() -> None:
    tasks = '[all]\ntask = "complement"\nper_category = 2\ncategory_level = 1\n'
    found = answer(recommender(tasks=tasks), first("Kitchen/Mugs"), task="all", k=40)
    assert kinds(found) == ["complement", "similar"]
    one = 'filter = { eq = ["brand", "B1"] }\n'
    turned = tasks + one + 'fallback = ["popular", "similar"]\n'
    assert kinds(answer(recommender(tasks=turned), first("Kitchen/Mugs"), task="all", k=40)) == [
        "complement",
        "popular",
        "similar",
    ]


def test_popular_is_of_the_category_then_of_those_above_then_of_the_shop(asked: Recommender) -> None:
    tasks = '[a]\ntask = "complement"\nfallback = ["popular"]'
    found = answer(recommender(tasks=tasks), first("Home/Chairs"), task="a", k=40)
    assert list(dict.fromkeys(found.rules[0])) == ["popular:Home/Chairs", "popular:Home", "popular:"]
    assert (found.found.hits[0].scores == 0).all()
    assert len(set(found.found.ids[0])) == len(found.found.ids[0])


def test_an_empty_history_gives_what_is_popular(asked: Recommender) -> None:
    for given in ({}, {"product_id": [""]}):
        found = answer(asked, task="inspire", k=5, **given)
        assert set(found.rules[0]) == {"popular:"}
        assert found.reasons == ["inspire gave 0 of 5, as the history is empty; popular gave 5"]


def test_popular_products_stay_in_their_order_whatever_the_diversity(asked: Recommender) -> None:
    plain = answer(asked, task="inspire", k=20)
    assert answer(asked, task="inspire", k=20, diversity=0.5).found.ids == plain.found.ids


def test_a_history_that_is_too_old_falls_back_to_similar(asked: Recommender) -> None:
    found = answer(asked, "P1", times=[int(NOW_S - 8 * DAY_S)], task="inspire", k=5)
    assert found.reasons == ["inspire gave 0 of 5, as no product of the history is at most 7 days old; similar gave 5"]


def test_a_release_without_clusters_says_so() -> None:
    found = answer(recommender(clusters=None), "P1", task="inspire", k=5)
    assert found.reasons == ["inspire gave 0 of 5, as this release has no clusters; similar gave 5"]


def test_skipping_all_clusters_says_so(asked: Recommender) -> None:
    found = answer(asked, "P1", task="inspire", skip=20, k=5)
    assert found.reasons[0].startswith(
        "inspire gave 0 of 5, as there are no more than 12 clusters, of which 20 are skip"
    )


def test_where_all_is_filtered_away_the_answer_is_empty_and_says_why(asked: Recommender) -> None:
    for task in ("similar", "complement", "inspire"):
        found = answer(asked, first("Kitchen/Mugs"), task=task, k=5, filter={"range": ["price", 500, None]})
        assert found.found.ids == [[]]
        assert found.reasons[0].startswith(
            f"{task} gave 0 of 5, as no more products pass; 5 are missing, as nothing else"
        )


def test_without_fallback_too_few_say_why() -> None:
    asked = recommender(tasks='[a]\ntask = "complement"\nfallback = []', complements=Complements(), popular=Popular())
    found = answer(asked, first("Kitchen/Mugs"), task="a", k=5)
    assert found.found.ids == [[]]
    (reason,) = found.reasons
    assert reason == (
        "complement gave 0 of 5, as no category goes with 'Kitchen/Mugs'; 5 are missing, as nothing else passes the "
        "filter and the profile's rules"
    )


def test_a_fallback_that_has_nothing_says_why() -> None:
    asked = recommender(complements=Complements(), popular=Popular())
    found = answer(asked, task="inspire", k=5)
    assert (
        "similar gave none, as there is no product to compare with; popular gave none, as this release knows no"
        in (found.reasons[0])
    )
