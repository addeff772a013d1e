"""What is picked, and how many candidates are looked at for it."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

from ensemble.index import Hits, Still
from ensemble.index.preparing import prepare
from ensemble.tasks import Recommender
from ensemble.tasks.clusters import Clusters
from ensemble.tasks.rules import representatives
from ensemble.tasks.stream import MOST_CANDIDATES, Stream
from ensemble.tasks.taste import Taste
from ensemble.tasks.view import View
from tests.ensemble.journal_twin import Change, Changes
from tests.ensemble.tasks.shops import (
    DAY_S,
    NOW_S,
    answer,
    catalogue,
    index_of,
    recommender,
    request,
    shop_of,
)


def hits(*slots: int) -> Hits:
    return Hits(np.array(slots, np.int64), -np.arange(len(slots), dtype=np.float32))


def test_a_stream_is_asked_for_more_and_more_up_to_what_is_left_out() -> None:
    stream, excluded = Stream("similar", np.ones(2, np.float32)), frozenset(range(100))
    assert stream.widen(4)
    assert stream.search(excluded).count == 8
    stream.take(hits(*range(8)), excluded)
    assert stream.search(excluded).count == 36
    stream.take(hits(*range(36)), excluded)
    assert stream.search(excluded).count == 104
    stream.take(hits(*range(104)), excluded)
    assert not stream.is_short
    assert stream.slots.tolist() == [100, 101, 102, 103]


def test_a_stream_ends_where_fewer_pass_or_enough_were_looked_at() -> None:
    stream = Stream("similar", np.ones(2, np.float32))
    widths = []
    while stream.widen(10):
        count = stream.search(frozenset()).count
        widths.append(count)
        stream.take(hits(*range(count)), frozenset())
    assert widths == [10, 40, 160, 640, MOST_CANDIDATES]
    short = Stream("similar", np.ones(2, np.float32))
    short.widen(10)
    short.search(frozenset())
    short.take(hits(1, 2), frozenset())
    assert not short.is_short
    assert not short.widen(10)


def test_candidates_beyond_the_width_are_looked_at_once_it_is_wider() -> None:
    stream = Stream("similar", np.ones(2, np.float32))
    stream.widen(2)
    stream.search(frozenset([9]))
    stream.take(hits(1, 2, 3), frozenset())  # all that pass, and more than are wanted
    assert stream.slots.tolist() == [1, 2]
    assert stream.widen(2)
    assert stream.slots.tolist() == [1, 2, 3]


def test_a_wider_search_that_finds_other_products_keeps_the_places_of_those_before() -> None:
    stream = Stream("similar", np.ones(2, np.float32))
    stream.widen(2)
    stream.search(frozenset())
    stream.take(hits(5, 7), frozenset())
    stream.widen(2)
    stream.search(frozenset())
    stream.take(hits(5, 6, 7, 8, 9), frozenset([9]))
    assert stream.slots.tolist() == [5, 7, 6, 8]


def test_variants_with_one_vector_stand_in_the_order_of_their_slots() -> None:
    products, vectors = catalogue(40, 3)
    vectors[20:30] = vectors[20]
    plain = '[a]\ntask = "similar"\n[b]\ntask = "inspire"\nnearest = 12\n'
    asked = Recommender(shop_of(products, vectors, plain), Still(index_of(products, vectors)), clock=lambda: NOW_S)
    for task in ("a", "b"):
        names = [name for name in answer(asked, "P1", task=task, k=39).found.ids[0] if 20 <= int(name[1:]) < 30]
        assert names == [f"P{number}" for number in range(20, 30)]


def test_diversity_weighs_the_best_of_five_times_as_many() -> None:
    asked = recommender(tasks='[a]\ntask = "similar"')
    plain, mixed = (answer(asked, "P1", k=10, task="a", **more).found.ids[0] for more in ({}, {"diversity": 0.5}))
    assert mixed != plain
    assert mixed[0] == plain[0]
    wider = answer(asked, "P1", k=50, task="a").found.ids[0]
    for diversity in (0.5, 1.0):
        assert set(answer(asked, "P1", k=10, task="a", diversity=diversity).found.ids[0]) <= set(wider)


def test_diversity_makes_lists_more_diverse() -> None:
    asked = recommender(400, tasks='[a]\ntask = "similar"')

    def alike(diversity: float) -> float:
        slots = np.concatenate(
            [hit.slots for hit in answer(asked, "P1", k=10, task="a", diversity=diversity).found.hits]
        )
        rows = asked.index.slots.rows(slots).astype(np.float64)
        return float((rows @ rows.T)[np.triu_indices(10, 1)].mean())

    assert alike(0.9) < alike(0.5) < alike(0.0)


def test_a_negative_weight_keeps_away() -> None:
    asked = recommender(400, tasks='[a]\ntask = "similar"')
    rows = asked.index.slots.rows(np.arange(400)).astype(np.float64)

    def likeness(*names: str, **more: Any) -> float:
        return float((rows[answer(asked, *names, k=10, task="a", **more).found.hits[0].slots] @ rows[5]).mean())

    assert likeness("P1", "P5", weights=[1, -0.5]) < likeness("P1") < likeness("P1", "P5", weights=[1, 0.5])


def test_older_products_weigh_less_by_their_half_life() -> None:
    asked = recommender(tasks='[a]\ntask = "similar"\nhalf_life_days = 2')
    times = [int(NOW_S), int(NOW_S - 4 * DAY_S)]
    aged = answer(asked, "P1", "P9", times=times, task="a")
    assert aged.found.ids == answer(asked, "P1", "P9", weights=[4, 1], task="a").found.ids
    old = [time - 365 * DAY_S for time in times]
    assert answer(asked, "P1", "P9", times=old, task="a").found.ids == aged.found.ids


def test_what_was_seen_or_asked_about_is_never_recommended() -> None:
    asked = recommender()
    for task in ("similar", "complement", "inspire"):
        seen = answer(asked, "P1", "P2", task=task, k=30).found.ids[0]
        again = answer(asked, "P1", "P2", task=task, k=30, seen=seen)
        assert not {*seen, "P1", "P2"} & set(again.found.ids[0])
        assert len(again.found.ids[0]) == 30


def test_the_newest_of_each_category_stands_for_it() -> None:
    products, _ = catalogue(120, 3)
    asked = recommender(tasks='[a]\ntask = "inspire"\ncategory_level = 1\nmax_age_days = 3')
    names = [product["id"] for product in products if (product["category"] or "Home").startswith(("Home", "Kitchen"))]
    names = [*names[:12], next(product["id"] for product in products if product["category"] == "Sport")]
    times = [int(NOW_S - number * DAY_S / 3) for number in range(13)]
    (row,) = asked._reader.read(request(*names, times=times, task="a"), NOW_S)
    with asked.index.reading() as state:
        taste = Taste.of(row, View(state))
    chosen = representatives(row, taste)
    kinds = [(products[int(names[place][1:])]["category"] or names[place]).split("/")[0] for place in range(10)]
    assert chosen == [place for place, kind in enumerate(kinds) if kind not in kinds[:place]]
    assert 12 not in chosen  # four days old


def test_clusters_hold_each_slot_once_also_those_that_came_later() -> None:
    products, vectors = catalogue(120, 3)
    index = index_of(products, vectors)
    clusters = Clusters(vectors[:7].copy())
    slots = [slot for cluster in range(7) for slot in clusters.members(index.slots, cluster).tolist()]
    assert sorted(slots) == list(range(120))


def test_further_clusters_are_asked_where_the_first_give_too_few() -> None:
    asked = recommender(tasks='[a]\ntask = "inspire"\nfallback = []')
    second = answer(asked, "P1", task="a", k=1, nearest=1, skip=1).found.ids[0]
    only = {"filter": {"in": ["id", second]}}
    assert answer(asked, "P1", task="a", k=1, nearest=1, **only).found.ids == [[]]
    assert answer(asked, "P1", task="a", k=1, nearest=2, **only).found.ids == [second]
    assert answer(asked, "P1", task="a", k=2, nearest=2, **only).found.ids == [second]


def test_a_row_is_in_its_cluster_once_its_product_is_seen() -> None:
    asked = recommender()
    slots = asked.index.slots
    document = b'{"id": "NEW", "title": "new", "category": "Sport"}'
    update = prepare(slots, Changes(1, [Change("NEW", document, slots.rows(np.array([7]))[0])]))
    slots.extend(1)  # the engine learns rows some at a time
    asked.index.engine.added(len(slots) - 1)
    wish = {"task": "inspire", "nearest": 12, "skip": 0, "k": 150}
    assert "NEW" not in answer(asked, "P1", **wish).found.ids[0]
    slots.flip(update)
    asked.index.terms.changed(np.array([len(slots) - 1]))
    found = answer(asked, "P1", **wish).found.ids[0]
    assert len({"NEW", "P7"} & set(found)) == 1  # they are variants: their vectors are the same


def test_a_newer_index_is_prepared_beside_the_one_in_use_and_an_older_one_is_let_go() -> None:
    products, vectors = catalogue(60, 3)
    clusters = Clusters(vectors[:7].copy())
    used, newer = index_of(products, vectors), index_of(products[30:], vectors[30:])
    clusters.prepare(used.slots)
    before = clusters._known[0]
    clusters.prepare(newer.slots)
    assert sum(len(clusters.members(used.slots, cluster)) for cluster in range(7)) == 60
    assert sum(len(clusters.members(newer.slots, cluster)) for cluster in range(7)) == 30
    assert clusters._known[0] is before
    del used
    gc.collect()
    assert before.slots is None
    newest = index_of(products[50:], vectors[50:])
    clusters.prepare(newest.slots)
    assert [one.slots for one in clusters._known] == [newer.slots, newest.slots]


def test_skipping_the_nearest_clusters_gives_what_is_less_alike() -> None:
    asked = recommender(400)
    row = asked.index.slots.rows(np.array([1])).astype(np.float64)[0]

    def likeness(skip: int) -> float:
        found = answer(asked, "P1", task="inspire", k=10, skip=skip, nearest=2).found.hits[0]
        return float((asked.index.slots.rows(found.slots).astype(np.float64) @ row).mean())

    assert likeness(8) < likeness(2) < likeness(0)


def test_categories_take_turns_in_the_order_of_the_map() -> None:
    products, _ = catalogue(120, 3)
    mug = next(product["id"] for product in products if product["category"] == "Kitchen/Mugs")
    found = answer(recommender(), mug, task="complement", k=6)
    turn = ["complement:Sport", "complement:Kitchen/Teas", "complement:Home/Lamps"]
    assert found.rules == [turn * 2]
    (one,) = recommender().answer([request(mug, task="complement", category=["Home/Chairs", "Sport"], k=3)])
    assert one.rules == [["complement:Home/Chairs", "complement:Sport", "complement:Home/Chairs"]]  # type: ignore[union-attr]


@pytest.mark.parametrize(("field", "most"), [("per_category", 2), ("per_brand", 3)])
def test_caps_hold_over_fallbacks_too(field: str, most: int) -> None:
    products, _ = catalogue(120, 3)
    asked = recommender(tasks='[a]\ntask = "complement"\ncategory_level = 1')
    found = answer(asked, "P1", task="a", k=60, **{field: most})
    chosen = [products[int(name[1:])] for name in found.found.ids[0]]
    groups = [
        (one["category"] or "").split("/")[0] if field == "per_category" else one["attributes"]["brand"]
        for one in chosen
    ]
    assert max(groups.count(group) for group in groups if group) == most
