"""Sees to it that nothing learned has seen the test: its counts are held to the training events.

Every check raises ``Leak``; none can be turned off.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ensemble.features import path_of
from export.errors import Leak
from training.product.events import Events
from training.product.pairs import Pairs


def check_popularity(counts: Mapping[str, float], before: Events) -> None:
    """No product was counted more often than training baskets hold it.

    Raises:
        Leak: One was; names it.
    """
    held = baskets_of(before)
    for product, count in counts.items():
        if count > held.get(product, 0):
            raise Leak(
                f"popularity of {product!r} is {count:g}; {held.get(product, 0)} training baskets hold it: "
                "it was counted in the test, too"
            )


def check_pairs(pairs: Pairs, before: Events) -> None:
    """No pair was counted more often than training baskets can hold it, nor with a product of the test alone.

    Raises:
        Leak: One was; names it.
    """
    held = baskets_of(before)
    most = np.array([held.get(product, 0) for product in pairs.products], np.int64)
    bound = np.minimum(most[pairs.query], most[pairs.target])
    if (pairs.count > bound).any():
        at = int(np.flatnonzero(pairs.count > bound)[0])
        query, target = pairs.products[pairs.query[at]], pairs.products[pairs.target[at]]
        raise Leak(
            f"pair {query!r}, {target!r} was counted {pairs.count[at]} times; at most {bound[at]} are of training"
        )
    check_popularity(pairs.popularity(), before)


def check_complements(path: Path, before: Events, categories: Mapping[str, str]) -> None:
    """No pair of categories was learned from more baskets than training has of both.

    Args:
        path: ``complements.json``.
        before: The training events.
        categories: Category by product.

    Raises:
        Leak: One was; names it.
    """
    held = _baskets_by_category(before, categories)
    for category, targets in json.loads(path.read_text("utf-8")).items():
        for target in targets:
            if target.get("source") == "hand":
                continue
            most = min(held.get(category, 0), held.get(target["category"], 0))
            if target["baskets"] > most:
                raise Leak(
                    f"{path.name}: {category!r} with {target['category']!r} in {target['baskets']} baskets; "
                    f"at most {most} training baskets hold both"
                )


def check_known(products: Iterable[str], before: Events, what: str) -> None:
    """Something was made of products of the training time alone.

    Raises:
        Leak: It was not; names a product.
    """
    fresh = sorted(set(products) - set(before.products))
    if fresh:
        raise Leak(f"{what} know {len(fresh)} product(s) that are first sold in the test, such as {fresh[0]!r}")


def baskets_of(events: Events) -> dict[str, int]:
    """Baskets that hold each product, of purchases and of views."""
    counts = np.bincount(events.product, minlength=len(events.products))
    return dict(zip(events.products, counts.tolist(), strict=True))


def _baskets_by_category(events: Events, categories: Mapping[str, str]) -> dict[str, int]:
    """Baskets that hold a product of each category, or of one below it."""
    nodes: dict[str, list[int]] = {}
    for place, product in enumerate(events.products):
        path = path_of(categories.get(product))
        for depth in range(1, len(path) + 1):
            nodes.setdefault("/".join(path[:depth]), []).append(place)
    order = np.argsort(events.product, kind="stable")
    bounds = np.searchsorted(events.product[order], np.arange(len(events.products) + 1))
    held = {}
    for node, places in nodes.items():
        of_node = [events.basket[order[bounds[place] : bounds[place + 1]]] for place in places]
        held[node] = len(np.unique(np.concatenate(of_node)))
    return held
