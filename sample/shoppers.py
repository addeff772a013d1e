"""Shoppers of the sample: what they look at and what they buy, for recommendations to learn from.

A shopper has favourite colours and patterns and a purse. In a visit some products of one group are looked at, those
that look like what is sought before others; who buys takes companions along (``sample.companions``) in a fitting
colour. So there is something to learn that titles do not say, and something (colours) that pictures and titles do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sample.companions import companions
from sample.kinds import KINDS
from sample.paint import PATTERNS
from sample.palette import COLOURS
from sample.products import Product

EVENTS = "events.jsonl"
SHOPPERS_A_PRODUCT = 0.75
VISITS = 6
# 1 January 2026 and the 90 days after it, in seconds.
BEGIN, SPAN = 1_767_225_600, 90 * 86_400
_BUYS, _MOST_COMPANIONS = 0.55, 3
_COLOUR, _PATTERN, _PURSE, _LIKENESS = 1.2, 0.6, 2.0, 2.5

Floats = NDArray[np.float64]
Event = dict[str, Any]


@dataclass(frozen=True)
class _Group:
    """Products of one group, as shoppers see them.

    Attributes:
        places: of the products in the shop.
        colours: number of each one's colour.
        patterns: number of each one's pattern.
        purse: place of each one's price among those of its group, 0..1.
        appeal: of each one to everybody.
    """

    places: NDArray[np.int64]
    colours: NDArray[np.int64]
    patterns: NDArray[np.int64]
    purse: Floats
    appeal: Floats

    @classmethod
    def of(cls, products: Sequence[Product], group: str, rng: np.random.Generator) -> _Group:
        chosen = [place for place, product in enumerate(products) if product.kind.category[1] == group]
        colours, patterns = list(COLOURS), [*PATTERNS, "plain"]
        words = [products[place].words for place in chosen]
        prices = np.array([products[place].price for place in chosen])
        return cls(
            places=np.array(chosen),
            colours=np.array([colours.index(word.colour) for word in words]),
            patterns=np.array([patterns.index(word.pattern) for word in words]),
            purse=np.argsort(np.argsort(prices)) / max(1, len(prices) - 1),
            appeal=rng.normal(0, 0.8, len(chosen)),
        )

    def likeness(self, colour: int, pattern: int, purse: float) -> Floats:
        """How well each product goes with a colour, a pattern and a purse."""
        worn = _COLOUR * (self.colours == colour) + _PATTERN * (self.patterns == pattern)
        likeness: Floats = worn - _PURSE * np.abs(self.purse - purse)
        return likeness


@dataclass(frozen=True)
class _Taste:
    """What a shopper likes.

    Attributes:
        colours: numbers of two colours.
        pattern: number of a pattern.
        purse: 0 for the cheapest of a group, 1 for the dearest.
    """

    colours: tuple[int, int]
    pattern: int
    purse: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> _Taste:
        one, other = rng.integers(len(COLOURS), size=2).tolist()
        return cls((one, other), int(rng.integers(len(PATTERNS) + 1)), rng.random())


def visits(products: Sequence[Product], seed: int) -> Iterator[Event]:
    """Yield what happens in the shop, visit by visit.

    Yields:
        ``basket`` (the visit, or the order), ``user``, ``time`` (unix seconds), ``kind`` (``view`` or ``purchase``) and
        ``product``.
    """
    rng = np.random.default_rng([seed, 3])
    known = sorted({kind.category[1] for kind in KINDS} & {product.kind.category[1] for product in products})
    groups = {name: _Group.of(products, name, rng) for name in known}
    beside = companions(frozenset(known))
    for user in range(round(SHOPPERS_A_PRODUCT * len(products))):
        taste = _Taste.drawn(rng)
        for visit in range(VISITS):
            time = BEGIN + int(rng.random() * SPAN)
            name = known[rng.integers(len(known))]
            seen = _looked_at(groups[name], taste, rng)
            told = {"basket": f"V{user}-{visit}", "user": f"U{user}", "time": time, "kind": "view"}
            yield from ({**told, "product": products[place].id} for place in groups[name].places[seen].tolist())
            if rng.random() < _BUYS:
                order = {**told, "basket": f"O{user}-{visit}", "time": time + 600, "kind": "purchase"}
                bought = _bought(groups, beside.get(name, ()), name, int(seen[0]), rng)
                yield from ({**order, "product": products[place].id} for place in bought)


def write_events(out: Path, products: Sequence[Product], seed: int) -> int:
    """Write ``events.jsonl`` to a folder; returns how many events there are."""
    lines = [json.dumps(event) for event in visits(products, seed)]
    (out / EVENTS).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return len(lines)


def _looked_at(group: _Group, taste: _Taste, rng: np.random.Generator) -> NDArray[np.int64]:
    """Some products of a group: one that the shopper likes, and others that look like it."""
    liked = group.appeal + group.likeness(int(rng.choice(taste.colours)), taste.pattern, taste.purse)
    first = _drawn(liked, 1, rng)[0]
    alike = group.likeness(int(group.colours[first]), int(group.patterns[first]), float(group.purse[first]))
    alike[first] = np.inf
    return _drawn(group.appeal + _LIKENESS * alike, int(rng.integers(2, 8)), rng)


def _bought(
    groups: dict[str, _Group], beside: Sequence[str], name: str, first: int, rng: np.random.Generator
) -> list[int]:
    """Places of a product and of its companions, which fit its colour."""
    group = groups[name]
    bought = [int(group.places[first])]
    for other in rng.permutation(np.array(beside, object))[: int(rng.integers(0, _MOST_COMPANIONS + 1))]:
        fits = groups[other].likeness(int(group.colours[first]), int(group.patterns[first]), float(group.purse[first]))
        taken = _drawn(groups[other].appeal + _LIKENESS * fits, 1, rng)[0]
        bought.append(int(groups[other].places[taken]))
    return bought


def _drawn(scores: Floats, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Places of some products, those of high scores before others (Gumbel's noise: a softmax without replacement)."""
    noisy = scores + rng.gumbel(size=len(scores))
    return np.argsort(-noisy, kind="stable")[:count]
