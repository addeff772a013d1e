"""The rules: from what a row is about to streams of candidates.

Each gives its streams in their order, or says why it has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import InvalidInput
from ensemble.index import Hits
from ensemble.tasks.asked import Asked
from ensemble.tasks.clusters import Clusters
from ensemble.tasks.scoring import best_first
from ensemble.tasks.shop import Shop
from ensemble.tasks.stream import Excluded, Stream, share_of
from ensemble.tasks.taste import DAY_S, Taste
from ensemble.tasks.told import quoted
from ensemble.tasks.view import View, joined, under, upper

Floats = NDArray[np.float32]

# Each asks a cluster: more than so many are not asked, of the nearest ones first.
MOST_CLUSTERS = 64


@dataclass(frozen=True)
class Question:
    """What a rule is asked.

    Args:
        asked: The row.
        taste: What it is about.
        filter: What products must pass: the row's filter and the profile's, as one.
        excluded: Slots that are left out.
    """

    asked: Asked
    taste: Taste
    filter: bytes
    excluded: Excluded


class NoCandidates(Exception):
    """A rule has nothing to ask for; the message says why, as a part of a sentence."""


def similar(question: Question) -> list[Stream]:
    """What is nearest to the weighted sum of the products.

    Raises:
        NoCandidates: There is no product.
    """
    if not question.taste.liked:
        raise NoCandidates("there is no product to compare with")
    return [Stream("similar", question.taste.mixed(), question.filter)]


def complement(question: Question, shop: Shop) -> list[Stream]:
    """For each category that goes with those of the products what is nearest to the head's query for it.

    Raises:
        NoCandidates: No category goes with them.
    """
    asked, taste = question.asked, question.taste
    if not taste.liked:
        raise NoCandidates("there is no product to complement")
    own = list(dict.fromkeys(taste.categories[place] for place in taste.liked if taste.categories[place]))
    targets = list(asked.categories) or shop.complements.of(own, asked.profile.categories)
    if not targets:
        told = ", ".join(map(quoted, own[:3]))
        raise NoCandidates(f"no category goes with {told}" if own else "the product has no category")
    mixed = np.tile(taste.mixed(), (len(targets), 1))
    queries = mixed if shop.head is None else shop.head.queries(mixed, targets)
    return [
        Stream(f"complement:{target}", query, joined(question.filter, under(target)))
        for target, query in zip(targets, queries, strict=True)
    ]


def inspire(question: Question, clusters: Clusters | None, view: View) -> list[Stream]:
    """For the newest product of each category members of clusters near it, the nearest clusters of all first.

    Raises:
        NoCandidates: There is no history that is new enough, or no clusters.
    """
    if clusters is None:
        raise NoCandidates("this release has no clusters")
    asked = question.asked
    standing = representatives(asked, question.taste)
    if not standing:
        raise NoCandidates(_why_nothing_stands(question))
    # The nearest cluster of each product has its turn before any second one: no more than these have one.
    vectors = _directions(question.taste, standing)[:MOST_CLUSTERS]
    chosen = clusters.nearest(vectors, asked.skip, asked.nearest)
    turns = [
        (vectors[number], near[rank])
        for rank in range(asked.nearest)
        for number, near in enumerate(chosen)
        if rank < len(near)
    ]
    if not turns:
        raise NoCandidates(
            f"there are no more than {len(clusters.centroids)} clusters, of which {asked.skip} are skipped"
        )
    del turns[MOST_CLUSTERS:]
    most = share_of(asked.k, len(turns)) + len(question.excluded)
    return [
        Stream.given(
            f"inspire:{cluster}",
            partial(_of_cluster, question.filter, clusters, view, vector, cluster, most),
            question.excluded,
        )
        for vector, cluster in turns
    ]


def representatives(asked: Asked, taste: Taste) -> list[int]:
    """The place of the newest product of each category, the newest first; one without a category stands for itself."""
    oldest_s = asked.profile.max_age_days * DAY_S
    newest: dict[str | int, int] = {}
    for place in taste.liked:
        if taste.ages_s is None or taste.ages_s[place] <= oldest_s:
            category = upper(taste.categories[place], asked.profile.category_level)
            newest.setdefault(category or place, place)
    return list(newest.values())


def _why_nothing_stands(question: Question) -> str:
    taste = question.taste
    if taste.liked:
        return f"no product of the history is at most {question.asked.profile.max_age_days:g} days old"
    return "no product of the history is in the index" if taste.unknown else "the history is empty"


def _directions(taste: Taste, standing: Sequence[int]) -> list[Floats]:
    """Of each product where it points without the dislikes; one that they cancel out is left out.

    Raises:
        InvalidInput: They cancel out all.
    """
    vectors, cancelled = list[Floats](), list[InvalidInput]()
    for place in standing:
        try:
            vectors.append(taste.without_dislikes(place))
        except InvalidInput as error:
            cancelled.append(error)
    if not vectors:
        raise cancelled[0]
    return vectors


def popular(question: Question, shop: Shop, view: View) -> Iterator[Stream]:
    """The popular products of the categories, then of those above them, then of the shop.

    Raises:
        NoCandidates: No list is known.
    """
    taste = question.taste
    own = [taste.categories[place] for place in taste.liked if taste.categories[place]]
    lists = shop.popular.near(list(dict.fromkeys(own)))
    if not lists:
        raise NoCandidates("this release knows no popular products")
    for category in lists:
        yield _of_list(question, shop, view, category)


def _of_cluster(passing: bytes, clusters: Clusters, view: View, vector: Floats, cluster: int, most: int) -> Hits:
    """The best members of a cluster by their cosine with ``vector + centroid``; ties by slot."""
    slots = clusters.members(view.state.slots, cluster)
    slots = slots[view.passes(passing, slots)]
    between = vector + clusters.centroids[cluster]
    query = between / max(float(np.linalg.norm(between)), 1e-12)
    scores = clusters.scores(view.state.slots, slots, query.astype(np.float32))
    order = best_first(scores, most)
    return Hits(slots[order], scores[order].astype(np.float32))


def _of_list(question: Question, shop: Shop, view: View, category: str) -> Stream:
    slots = view.find(shop.popular.products[category])
    slots = slots[slots >= 0]
    slots = slots[view.passes(question.filter, slots)]
    hits = Hits(slots, np.zeros(len(slots), np.float32))
    return Stream.given(f"popular:{category}", lambda: hits, question.excluded, ranked=False)
