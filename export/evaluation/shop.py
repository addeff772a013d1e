"""The catalogue that is recommended from, with what the training events say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.features import path_of
from export.evaluation.leakage import baskets_of
from export.evaluation.split import Split
from training.product.events import Events

HEAD, TAIL, COLD, ALL = "head", "tail", "cold", "all"
SLICES = (ALL, COLD, HEAD, TAIL)
# The products of the most training events, which make up this share of these, are the head.
HEAD_SHARE = 0.5

Codes = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Shop:
    """Products with what is known of them; a product goes by its place.

    Args:
        products: As ``catalogue.Product.as_dict`` gives them.
        rows: ``(products, row_dim)`` float32, by the frozen towers.
        text_dim: Length of the text half of a row.
        split: The events.
        variants_by: Attribute whose equal values make products variants of one another; "" for none.
    """

    products: Sequence[Mapping[str, Any]]
    rows: Floats
    text_dim: int
    split: Split
    variants_by: str = ""

    @classmethod
    def without_rows(cls, products: Sequence[Mapping[str, Any]], split: Split, variants_by: str = "") -> Shop:
        """One whose products are not encoded yet: questions can be asked about it, but not answered."""
        return cls(products, np.zeros((len(products), 0), np.float32), 0, split, variants_by)

    def encoded(self, rows: Floats, text_dim: int) -> Shop:
        """The same with rows."""
        return replace(self, rows=rows, text_dim=text_dim)

    def __len__(self) -> int:
        return len(self.products)

    @cached_property
    def place(self) -> dict[str, int]:
        """Place by id."""
        return {product["id"]: at for at, product in enumerate(self.products)}

    @cached_property
    def texts(self) -> Floats:
        """``(products, text_dim)`` unit vectors of the frozen text tower."""
        return np.ascontiguousarray(self.rows[:, : self.text_dim])

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Category path by place."""
        return tuple("/".join(path_of(product.get("category"))) for product in self.products)

    @cached_property
    def category(self) -> Codes:
        """``(products,)`` number of each product's category."""
        return _numbers(self.categories)

    @cached_property
    def families(self) -> tuple[str, ...]:
        """Name of the variants that a product is one of; its own id where it has none."""
        return tuple(_family(product, self.variants_by) for product in self.products)

    @cached_property
    def family(self) -> Codes:
        """``(products,)`` number of each product's family."""
        return _numbers(self.families)

    @cached_property
    def counts(self) -> Codes:
        """``(products,)`` training baskets that hold each product: orders, and visits where views are known."""
        held = baskets_of(self.split.before)
        return np.array([held.get(product["id"], 0) for product in self.products], np.int64)

    @cached_property
    def slices(self) -> dict[str, NDArray[np.bool_]]:
        """``(products,)`` by slice: head and tail by training baskets, cold where there are none."""
        order = np.argsort(-self.counts, kind="stable")
        before = np.cumsum(self.counts[order]) - self.counts[order]
        head = np.zeros(len(self), np.bool_)
        head[order] = before < HEAD_SHARE * self.counts.sum()
        known = self.counts > 0
        return {ALL: np.ones(len(self), np.bool_), COLD: ~known, HEAD: head & known, TAIL: known & ~head}

    def places(self, events: Events) -> Codes:
        """``(events,)`` place of each event's product; -1 where the catalogue has it not."""
        return np.array([self.place.get(product, -1) for product in events.products], np.int64)[events.product]


def _numbers(names: Sequence[str]) -> Codes:
    numbers: Codes = np.unique(np.array(names), return_inverse=True)[1].astype(np.int64)
    return numbers


def _family(product: Mapping[str, Any], variants_by: str) -> str:
    value = (product.get("attributes") or {}).get(variants_by) if variants_by else None
    return f"id {product['id']}" if value in {None, ""} else f"value {value}"
