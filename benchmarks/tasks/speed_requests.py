"""What is asked: one product, five complementary categories, a shopper's history, and filters that few pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from benchmarks.tasks.speed_catalogue import BRANDS, SEED, product_id
from clients import Recommend
from clients.recommend_messages import recommend
from loadtest.arrivals.prepared import message_of

K = 10
HISTORY = 20
HOUR_S = 3_600
# A history reaches back less far than the profile looks.
NEWEST_HOURS = 120
CHEAP, DEAR = 5.0, 60.0

Make = Callable[[np.random.Generator, int], Recommend]


def kinds() -> Mapping[str, Make]:
    """From random numbers and the number of products to one question, by the name of its kind."""
    return {
        "similar": partial(_one, task="similar"),
        "complement": partial(_one, task="complement"),
        "inspire": partial(_history, now_s=int(time.time())),
        "similar, filter seen before": _of_a_brand,
        "similar, filter never seen": _of_a_price,
    }


def questions(make: Make, count: int, products: int, seed: int = SEED) -> list[Recommend]:
    """So many questions of a kind, each about other products.

    Args:
        make: Of the kind.
        count: How many.
        products: How many there are to ask about.
        seed: Another one gives other questions.
    """
    rng = np.random.default_rng(seed)
    return [make(rng, products) for _ in range(count)]


def messages(asked: list[Recommend]) -> list[bytes]:
    """Each as the bytes that gRPC sends."""
    return [message_of(recommend([one])) for one in asked]


def _one(rng: np.random.Generator, products: int, *, task: str) -> Recommend:
    return Recommend(product_id(int(rng.integers(products))), task=task, k=K)


def _history(rng: np.random.Generator, products: int, *, now_s: int) -> Recommend:
    ids = [product_id(place) for place in rng.choice(products, HISTORY, replace=False).tolist()]
    ages = np.sort(rng.choice(NEWEST_HOURS, HISTORY, replace=False)) * HOUR_S
    return Recommend(ids, times=[now_s - age for age in ages.tolist()], task="inspire", k=K)


def _of_a_brand(rng: np.random.Generator, products: int) -> Recommend:
    """Brands are few: what passes is known after the first time."""
    brand = BRANDS[int(rng.integers(len(BRANDS)))]
    wanted = {"and": [{"eq": ["brand", brand]}, {"eq": ["available", True]}]}
    return Recommend(product_id(int(rng.integers(products))), k=K, filter=wanted)


def _of_a_price(rng: np.random.Generator, products: int) -> Recommend:
    """No two have one range: what passes must be found out each time."""
    low = round(float(rng.uniform(CHEAP, DEAR)), 4)
    wanted = {"and": [{"range": ["price", low, round(1.02 * low, 4)]}, {"eq": ["available", True]}]}
    return Recommend(product_id(int(rng.integers(products))), k=K, filter=wanted)
