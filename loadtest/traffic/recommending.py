"""The kinds of recommendations. Each asks the profile of the release that has its task's name."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from clients import Recommend
from clients.recommend_messages import read_recommendations, recommend
from clients.tensors import Outputs
from loadtest.answers import Row, Seen
from loadtest.recommended import check_recommendations
from loadtest.traffic.asked import Asked, Kind, Material

SHORTEST, LONGEST = 5, 50
"""Products of a history."""
SPAN_S = 5 * 86_400
"""The oldest product of a history is so old: younger than what profiles leave out by default."""

Make = Callable[[Material, int], Recommend]


def judge_recommendations(outputs: Outputs, asked: Asked) -> Seen:
    """Read and check the answer to a question for recommendations."""
    return check_recommendations(read_recommendations(outputs), asked.rows)


def recommend_kind(name: str, one: Make, *needs: str) -> Kind:
    """A kind of recommendations: ``one`` makes the question of a number."""

    def make(material: Material, numbers: Sequence[int], k: int) -> Asked:
        queries = [replace(one(material, number), k=k) for number in numbers]
        return Asked(name, recommend(queries), tuple(map(_row, queries)))

    return Kind(name, make, judge_recommendations, ("products", *needs))


def _row(query: Recommend) -> Row:
    ids = tuple(product for product, _ in query.weighted)
    told = query.filter if isinstance(query.filter, Mapping) else None
    return Row(query.k, told, task=query.task, unwanted=(*ids, *query.seen))


def _similar(material: Material, number: int) -> Recommend:
    return Recommend(material.product(number).id)


def _filtered(material: Material, number: int) -> Recommend:
    return Recommend(material.product(number).id, filter=material.filters[number % len(material.filters)])


def _complement(material: Material, number: int) -> Recommend:
    return Recommend(material.product(number).id, task="complement")


def _inspire(material: Material, number: int) -> Recommend:
    """A history whose products are as popular as by Zipf's law, the newest first, evenly over the last days."""
    source = random.Random(number)  # noqa: S311 - the same history every time
    count = len(material.products)
    # The density of count ** u is that of 1 / x
    places = (int(count ** source.random()) - 1 for _ in range(source.randint(SHORTEST, LONGEST)))
    ids = tuple(dict.fromkeys(material.products[place].id for place in places))
    times = tuple(material.now - place * SPAN_S // len(ids) for place in range(len(ids)))
    return Recommend(ids, times, "inspire")


def _new(material: Material, number: int) -> Recommend:
    """What a shop is about to sell: a product of the catalogue by another name, and a photo that nobody has seen."""
    like = material.product(number)
    product = {"title": f"{like.title}, number {number}", "category": like.category, "price": like.price}
    return Recommend(product=product, image=material.photo(number))


RECOMMENDATIONS = (
    recommend_kind("recommend_similar", _similar),
    recommend_kind("recommend_filtered", _filtered, "filters"),
    recommend_kind("recommend_complement", _complement),
    recommend_kind("recommend_inspire", _inspire),
    recommend_kind("recommend_new", _new, "pictures"),
)
