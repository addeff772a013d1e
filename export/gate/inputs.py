"""Chooses held-out inputs and products to find: the same for the same catalogue and queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TypeVar

import numpy as np

from catalogue import Product
from catalogue.errors import listed, shown
from ensemble.product import product_text
from ensemble.settings import ProductSettings
from export.errors import BadEvaluation
from export.gate.trial import Item, Kind, Limits, Trial
from export.pictures import PictureSource
from export.queries import Query

# With fewer queries than this, products of the catalogue are asked for too.
ENOUGH_QUERIES = 64
# A file of queries may hold many more; these are taken from all over it.
MAX_QUERIES = 1024
SHORT_WORDS = 3

Thing = TypeVar("Thing")


def split(products: Sequence[Product]) -> tuple[list[Product], list[Product]]:
    """Products for calibration, and products held out for the gate; never one on both sides.

    A product's side is told by a hash of its title. So it stays when the catalogue grows; and the sizes and colours of
    one article, whose texts and pictures are much alike, stay together.
    """
    sides: tuple[list[Product], list[Product]] = ([], [])
    for product in products:
        digest = blake2b(product.title.strip().casefold().encode(), digest_size=1).digest()
        sides[digest[0] % 2].append(product)
    return sides


@dataclass(frozen=True)
class Source:
    """Where the inputs of both towers come from.

    Args:
        products: The whole catalogue.
        pictures: Reads their pictures.
        settings: Which fields make a product's text.
        queries: Real ones, if there are any.
        limits: How much of all that.
    """

    products: Sequence[Product]
    pictures: PictureSource
    settings: ProductSettings
    queries: Sequence[Query] = ()
    limits: Limits = field(default_factory=Limits)

    def trial(self, kind: Kind) -> Trial:
        """What the tower of a kind is judged on.

        Real queries come first. Where they are fewer than ``ENOUGH_QUERIES``, held-out products are asked for too: by
        their pictures; or by their texts, half of them whole and half cut to the first words of the title, as shoppers
        type a few words. Whatever calibration may have seen is left out.

        Raises:
            BadEvaluation: There is too little to judge by, or a label is not in the catalogue.
        """
        self._check_labels()
        eligible = [product for product in self.products if kind == "text" or product.image]
        calibration, held_out = split(eligible)
        seen = {self._item(kind, product).same for product in calibration}
        asked = [query for query in self.queries if (query.image is None) == (kind == "text")]
        inputs = _fresh(map(_asked, spread(asked, MAX_QUERIES)), seen)
        if len(inputs) < ENOUGH_QUERIES:
            inputs += self._helping(kind, held_out, inputs, seen)
        wanted = {name for item in inputs for name in item.right}
        corpus = (self._item(kind, product) for product in self._to_find(eligible, wanted))
        return Trial(kind, tuple(inputs), tuple(corpus))

    def _helping(self, kind: Kind, held_out: Sequence[Product], inputs: Sequence[Item], seen: set[str]) -> list[Item]:
        """Inputs from held-out products, until there are ``limits.held_out``."""
        missing = self.limits.held_out - len(inputs)
        seen = seen | {item.same for item in inputs}
        whole = _fresh((self._item(kind, product) for product in held_out), seen)
        if kind == "vision":
            return spread(whole, missing)
        seen |= {item.same for item in whole}
        short = _fresh((_item(_first_words(product), product) for product in held_out), seen)
        cut = spread(short, missing // 2)
        return spread(whole, missing - len(cut)) + cut

    def _to_find(self, eligible: Sequence[Product], wanted: set[str]) -> list[Product]:
        """The right answers, and others from all over the catalogue, in its order."""
        right = {product.id for product in eligible if product.id in wanted}
        others = [product for product in eligible if product.id not in right]
        kept = right | {product.id for product in spread(others, self.limits.products - len(right))}
        return [product for product in eligible if product.id in kept]

    def _item(self, kind: Kind, product: Product) -> Item:
        if kind == "text":
            return _item(product_text(product.as_dict(), self.settings), product)
        name = str(product.image)
        return Item(name, lambda: self.pictures.read(name), name, product.id)

    def _check_labels(self) -> None:
        known = {product.id for product in self.products}
        problems = [
            f"{query.label}: product {shown(name)} is not in the catalogue"
            for query in self.queries
            for name in query.products
            if name not in known
        ]
        if problems:
            raise BadEvaluation(f"queries: {len(problems)} label(s) cannot be used\n{listed(problems)}")


def _first_words(product: Product) -> str:
    return " ".join(product.title.split()[:SHORT_WORDS])


def _item(text: str, product: Product) -> Item:
    return Item(shown(text), lambda: text, text, product.id)


def _asked(query: Query) -> Item:
    if query.image is not None:
        return Item(query.label, query.image.read_bytes, str(query.image), right=query.products)
    text = str(query.text)
    return Item(query.label, lambda: text, text, right=query.products)


def _fresh(items: Iterable[Item], seen: set[str]) -> list[Item]:
    """Those not in ``seen``; equal ones become one, which all of their answers are right for."""
    kept: dict[str, Item] = {}
    for item in items:
        if item.same in seen:
            continue
        before = kept.get(item.same, item)
        kept[item.same] = replace(before, right=tuple(dict.fromkeys((*before.right, *item.right))))
    return list(kept.values())


def spread(things: Sequence[Thing], count: int) -> list[Thing]:
    """At most ``count`` of them, evenly from all over."""
    count = min(max(count, 0), len(things))
    return [things[at] for at in np.linspace(0, len(things) - 1, count).astype(int)]
