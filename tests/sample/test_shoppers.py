"""Shoppers of the sample: the same seed, the same visits; what is bought together is what companions say."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from itertools import permutations
from pathlib import Path

import pytest

from sample.companions import companions
from sample.kinds import KINDS
from sample.products import Product, shop
from sample.shoppers import BEGIN, SPAN, Event, visits, write_events

GROUPS = frozenset(kind.category[1] for kind in KINDS)


@pytest.fixture(scope="module")
def products() -> list[Product]:
    return list(shop(300, seed=7))


@pytest.fixture(scope="module")
def events(products: list[Product]) -> list[Event]:
    return list(visits(products, seed=7))


def test_companions_go_in_both_directions_and_name_groups_of_the_shop() -> None:
    beside = companions(GROUPS)
    assert set(beside) == GROUPS
    assert all(group in beside[other] for group, others in beside.items() for other in others)
    assert all(group not in others for group, others in beside.items())


def test_companions_that_the_shop_lacks_are_left_out() -> None:
    assert companions(frozenset({"Mugs", "Teapots", "Balls"})) == {"Mugs": ("Teapots",), "Teapots": ("Mugs",)}


def test_the_same_seed_gives_the_same_visits(products: list[Product], events: list[Event]) -> None:
    assert list(visits(products, seed=7)) == events
    assert list(visits(products, seed=8)) != events


def test_events_are_within_the_time_and_of_the_shop(products: list[Product], events: list[Event]) -> None:
    ids = {product.id for product in products}
    assert {event["product"] for event in events} <= ids
    assert all(BEGIN <= event["time"] <= BEGIN + SPAN + 600 for event in events)
    assert Counter(event["kind"] for event in events).keys() == {"view", "purchase"}


def test_a_visit_looks_at_one_group_and_an_order_holds_its_companions(
    products: list[Product], events: list[Event]
) -> None:
    group_of = {product.id: product.kind.category[1] for product in products}
    baskets = defaultdict(list)
    for event in events:
        baskets[event["kind"], event["basket"]].append(group_of[event["product"]])
    beside = companions(GROUPS)
    for (kind, _), groups in baskets.items():
        first, *others = groups
        if kind == "view":
            assert set(groups) == {first}
        else:
            assert all(other in beside[first] for other in others)


def test_companions_wear_one_colour_more_often_than_chance(products: list[Product], events: list[Event]) -> None:
    colour_of = {product.id: product.words.colour for product in products}
    orders = defaultdict(list)
    for event in events:
        if event["kind"] == "purchase":
            orders[event["basket"]].append(colour_of[event["product"]])
    pairs = [one == other for colours in orders.values() for one, other in permutations(colours, 2)]
    assert sum(pairs) / len(pairs) > 0.12  # 14 colours: 0.07 by chance, and a group of six products has few of them


def test_the_file_holds_one_event_a_line(products: list[Product], events: list[Event], tmp_path: Path) -> None:
    assert write_events(tmp_path, products, seed=7) == len(events)
    lines = (tmp_path / "events.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == events
