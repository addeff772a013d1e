"""What is asked, and what would have been right: from the baskets of the test.

The right answers of a question about a product are the other products of the same basket: those of its own category for
``similar`` (alternatives that a customer took together, as a shop without a log of views has nothing else), those of
other categories for ``complement``. ``inspire`` is asked with what a customer bought before; right is what the next
basket has that is new to the customer. Where there are views before the split and after it, ``similar`` goes by what
was viewed in one visit.

Variants of what is asked about are no right answers, as every model is told to leave them out. One question is drawn
from a basket for each slice, so that questions do not repeat each other; a large basket counts as much as a small one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from export.errors import TooLittle
from export.evaluation.baskets import Baskets
from export.evaluation.shop import ALL, SLICES, Shop
from training.product.events import Events

SIMILAR, COMPLEMENT, INSPIRE = "similar", "complement", "inspire"
TASKS = (SIMILAR, COMPLEMENT, INSPIRE)
HISTORY = 100
# Larger orders are those of traders: a part of the shop rather than what one wants at a time.
MAX_BASKET = 100
# More questions of a slice say little more, and a history takes its time to answer.
MOST = 1_500
SEED = 7

Codes = NDArray[np.int64]
Bools = NDArray[np.bool_]
Request = tuple[bytes, bytes, bytes, int]


@dataclass(frozen=True)
class Question:
    """A request and its right answers; products are places.

    Args:
        products: What is asked about, the newest first.
        times_s: ``(products,)`` when each was bought; empty where it does not matter.
        seen: What must not be recommended, beside the products themselves and their variants.
        targets: What was right, one at least.
        time_s: When it is asked.
        customer: Whose history it is; "" for questions of baskets, which count as if each were another customer's.
    """

    products: Codes
    times_s: Codes
    seen: Codes
    targets: Codes
    time_s: int
    customer: str = ""

    @cached_property
    def request(self) -> Request:
        """What an answer depends on; without times it does not matter when it is asked."""
        time_s = self.time_s if len(self.times_s) else 0
        return self.products.tobytes(), self.times_s.tobytes(), self.seen.tobytes(), time_s

    @property
    def asked(self) -> int:
        """The product that decides about the slice: the newest."""
        return int(self.products[0])


def questions(
    shop: Shop, *, most_items: int = MAX_BASKET, most: int = MOST, seed: int = SEED
) -> dict[str, dict[str, list[Question]]]:
    """Questions by task and slice; a slice that has none is left out.

    Args:
        shop: The catalogue and its events.
        most_items: Baskets of more products are not asked about.
        most: Questions of a slice, drawn from all of them.
        seed: Of the draws.

    Raises:
        TooLittle: There is none for ``similar`` or ``complement``.
    """
    found: dict[str, dict[str, list[Question]]] = {}
    for task in TASKS:
        candidates = [list(basket) for basket in _candidates(shop, task, most_items)]
        found[task] = {
            name: chosen
            for name in SLICES
            if (
                chosen := _drawn(candidates, shop.slices[name], most, np.random.default_rng([seed, SLICES.index(name)]))
            )
        }
        if ALL not in found[task] and task != INSPIRE:
            raise TooLittle(f"{task}: no basket of the test has two products of {_WHICH[task]}")
    return found


_WHICH = {SIMILAR: "one category, no variants of each other", COMPLEMENT: "two categories"}


def of_views(shop: Shop, task: str) -> bool:
    """Whether a task's questions are made of views: those of ``similar`` are, where both sides of the split have some.

    The baselines of the task learn from events of the same kind.
    """
    return task == SIMILAR and all(_viewed(shop, side) for side in (shop.split.before, shop.split.after))


def _viewed(shop: Shop, side: Events) -> bool:
    """Whether a side of the split has views of products of the catalogue."""
    return bool((side.viewed & (shop.places(side) >= 0)).any())


def customers(questions: Sequence[Question]) -> Codes:
    """``(questions,)`` number of each question's customer; a question of none has a number of its own."""
    numbers: dict[str | int, int] = {}
    found = [numbers.setdefault(question.customer or at, len(numbers)) for at, question in enumerate(questions)]
    return np.array(found, np.int64)


def _drawn(
    baskets: Sequence[Sequence[Question]], members: Bools, most: int, random: np.random.Generator
) -> list[Question]:
    drawn = []
    for basket in baskets:
        allowed = [question for question in basket if members[question.asked]]
        if allowed:
            drawn.append(allowed[int(random.integers(len(allowed)))])
    chosen = random.permutation(len(drawn))[:most]
    return [drawn[at] for at in sorted(chosen.tolist())]


def _candidates(shop: Shop, task: str, most_items: int) -> Iterator[Iterator[Question]]:
    """The questions that each basket of the test would allow."""
    if task == INSPIRE:
        yield from _next_baskets(shop, most_items)
        return
    taken = Baskets.of(shop.split.after, shop, viewed=of_views(shop, task))
    for items, time in zip(taken.items, taken.times_s.tolist(), strict=True):
        if 2 <= len(items) <= most_items:
            yield _within(shop, task, items, time)


def _within(shop: Shop, task: str, items: Codes, time_s: int) -> Iterator[Question]:
    none = np.zeros(0, np.int64)
    for item in items.tolist():
        alike = shop.category[items] == shop.category[item]
        other = shop.family[items] != shop.family[item]
        targets = items[other & (alike if task == SIMILAR else ~alike)]
        if len(targets):
            yield Question(np.array([item]), none, none, targets, time_s)


def _next_baskets(shop: Shop, most_items: int) -> Iterator[Iterator[Question]]:
    past: dict[str, list[tuple[int, Codes]]] = {}
    every = Baskets.of(shop.split.all, shop)
    for items, time, user in zip(every.items, every.times_s.tolist(), every.users, strict=True):
        known = past.setdefault(user, []) if user else []
        if known and time >= shop.split.moment_s and len(items) <= most_items and time > known[-1][0]:
            yield _after_history(shop, known, items, time, user)
        if user:
            known.append((time, items))


def _after_history(
    shop: Shop, known: Sequence[tuple[int, Codes]], items: Codes, time_s: int, customer: str
) -> Iterator[Question]:
    """A question for each product of the newest basket: that one stands first, as if it had been bought last."""
    newest, moments = _newest_first(known)
    history, times = newest[:HISTORY], moments[:HISTORY]
    fresh = ~np.isin(items, newest) & ~np.isin(shop.family[items], shop.family[history])
    if not fresh.any():
        return
    for at in np.flatnonzero(times == times[0]).tolist():
        order = np.concatenate([[at], np.delete(np.arange(len(history)), at)])
        yield Question(history[order], times[order], newest[HISTORY:], items[fresh], time_s, customer)


def _newest_first(known: Sequence[tuple[int, Codes]]) -> tuple[Codes, Codes]:
    """Each product once, with the last time that it was bought."""
    items = np.concatenate([each for _, each in reversed(known)])
    times = np.concatenate([np.full(len(each), time) for time, each in reversed(known)])
    _, first = np.unique(items, return_index=True)
    kept = np.sort(first)
    return items[kept], times[kept]
