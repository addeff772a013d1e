"""Pairs of products that were bought or viewed together, with how often."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainingInputError
from training.product.events import KINDS, PURCHASE, VIEW, Events

# Baskets of more products are orders of traders or mistakes of a robot: they pair everything with everything.
MAX_BASKET = 100
_PAIRS_AT_ONCE = 4_000_000
_NEEDED = ("query", "target", "count")

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Pairs of products, each unordered pair once for each kind.

    Attributes:
        products: ids of the products, each once, ascending.
        query: (pairs,) places in ``products``.
        target: (pairs,) likewise; never the query itself.
        count: (pairs,) baskets that hold both.
        viewed: (pairs,) bool, whether the baskets are of views; else they are of purchases.
        baskets: (products,) baskets of purchases that hold each product; of views, where nothing was bought at all.
        weight: (pairs,) what the baskets say of the pair: one of ``n`` products gives each pair ``1 / (n - 1)``, so
            that each product of it says as much, however many others there are. None where only counts are known.
    """

    products: tuple[str, ...]
    query: Codes
    target: Codes
    count: Codes
    viewed: NDArray[np.bool_]
    baskets: Codes
    weight: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.query)

    def only(self, chosen: NDArray[np.bool_]) -> Pairs:
        """Keep the pairs of a mask; the products and their baskets stay."""
        return Pairs(
            self.products,
            self.query[chosen],
            self.target[chosen],
            self.count[chosen],
            self.viewed[chosen],
            self.baskets,
            None if self.weight is None else self.weight[chosen],
        )

    @property
    def weights(self) -> NDArray[np.float64]:
        """(pairs,): the weight of each pair; its count where only that is known."""
        return self.count.astype(np.float64) if self.weight is None else self.weight

    def popularity(self) -> dict[str, int]:
        """``baskets`` by the product's id."""
        return dict(zip(self.products, self.baskets.tolist(), strict=True))

    def save(self, path: Path) -> None:
        """Write Parquet with columns ``query``, ``target``, ``count``, ``kind``, ``weight``.

        A row whose query is its target counts the baskets of that product, and is one of purchases.
        """
        import pyarrow as pa
        from pyarrow import parquet

        names, own = np.array(self.products, object), np.flatnonzero(self.baskets)
        columns = {
            "query": np.concatenate([names[own], names[self.query]]),
            "target": np.concatenate([names[own], names[self.target]]),
            "count": np.concatenate([self.baskets[own], self.count]),
            "kind": np.concatenate([np.full(len(own), PURCHASE, object), np.where(self.viewed, VIEW, PURCHASE)]),
            "weight": np.concatenate([np.zeros(len(own)), self.weights]),
        }
        types = (pa.string(), pa.string(), pa.int64(), pa.string(), pa.float64())
        arrays = [pa.array(column, kind) for column, kind in zip(columns.values(), types, strict=True)]
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(pa.table(arrays, names=list(columns)), path)

    @classmethod
    def read(cls, path: Path) -> Pairs:
        """Read what ``save`` wrote, or pairs that another program counted.

        Without rows of a product with itself, its baskets are the count of its most frequent pair: the least that they
        can be. Rows of views count for that where there are none of purchases. Without ``weight``, a pair weighs as
        much as its count.

        Raises:
            TrainingInputError: there is no such file, or it holds no such pairs; says why.
        """
        from pyarrow import ArrowInvalid, parquet

        if not path.is_file():
            raise TrainingInputError(f"pairs: no file {path}; `python -m training pairs` writes one")
        try:
            table = parquet.read_table(path)
        except ArrowInvalid as error:
            raise TrainingInputError(f"pairs: {path} is no Parquet file: {error}") from error
        missing = [name for name in _NEEDED if name not in table.column_names]
        if missing:
            raise TrainingInputError(f"pairs: no column {missing[0]!r} in {path}; it has {table.column_names}")
        return _pairs(table, path)


def count_pairs(events: Events | Any, *, min_count: int = 1, max_basket: int = MAX_BASKET) -> Pairs:
    """Count in how many baskets each two products are together.

    Args:
        events: ``Events``, or a ``pyarrow.Table`` with their columns.
        min_count: pairs that are together in fewer baskets are left out.
        max_basket: baskets of more products pair nothing; their products are counted all the same.

    Raises:
        TrainingInputError: a bound is not allowed, or the table is not one of events.
    """
    if min_count < 1 or max_basket < 2:
        raise TrainingInputError(
            f"min_count: got {min_count}, at least 1 is needed; max_basket: got {max_basket}, at least 2 is needed"
        )
    known = events if isinstance(events, Events) else Events.of(events)
    number = len(known.products)
    found = [_counted(known.only(known.viewed == kind), max_basket) for kind in (False, True)]
    keys, sums = (np.concatenate([each[part] for each in found]) for part in (0, 1))
    viewed = np.repeat([False, True], [len(each[0]) for each in found])
    bought = known if known.viewed.all() else known.only(~known.viewed)
    counts, baskets = sums[:, 0].astype(np.int64), np.bincount(bought.product, minlength=number).astype(np.int64)
    query, target = np.divmod(keys, max(number, 1))
    return Pairs(known.products, query, target, counts, viewed, baskets, sums[:, 1]).only(counts >= min_count)


def _counted(events: Events, max_basket: int) -> tuple[Codes, NDArray[np.float64]]:
    """Keys ``query * products + target`` of the pairs of one kind, ascending; (pairs, 2) their counts and weights."""
    keys, sums = np.empty(0, np.int64), np.empty((0, 2))
    for part, weight in _parts(events, max_basket):
        ones = np.stack([np.ones(len(part)), weight], axis=1)
        every = np.concatenate([keys, part])
        keys, place = np.unique(every, return_inverse=True)
        columns = np.concatenate([sums, ones]).T
        sums = np.stack([np.bincount(place, column, len(keys)) for column in columns], axis=1)
    return keys, sums


def _parts(events: Events, max_basket: int) -> Iterator[tuple[Codes, NDArray[np.float64]]]:
    """Keys and weights of all pairs, basket by basket, some millions at once."""
    order = np.lexsort((events.product, events.basket))
    product, basket = events.product[order], events.basket[order]
    starts = np.flatnonzero(np.diff(basket, prepend=-1))
    gathered: list[Codes] = []
    weights: list[NDArray[np.float64]] = []
    size = 0
    for held in np.split(product, starts[1:]):
        if not 2 <= len(held) <= max_basket:
            continue
        one, other = np.triu_indices(len(held), 1)
        gathered.append(held[one] * len(events.products) + held[other])
        weights.append(np.full(len(one), 1 / (len(held) - 1)))
        size += len(one)
        if size >= _PAIRS_AT_ONCE:
            yield np.concatenate(gathered), np.concatenate(weights)
            gathered, weights, size = [], [], 0
    if gathered:
        yield np.concatenate(gathered), np.concatenate(weights)


def _pairs(table: Any, path: Path) -> Pairs:
    query, target = (table[name].to_numpy(zero_copy_only=False).astype(str) for name in ("query", "target"))
    count = table["count"].to_numpy(zero_copy_only=False)
    if len(count) == 0 or not np.issubdtype(count.dtype, np.number) or not (count >= 1).all():
        raise TrainingInputError(f"pairs: 'count' in {path} must be numbers of at least 1, in at least one row")
    kind = table["kind"].to_numpy(zero_copy_only=False).astype(str) if "kind" in table.column_names else PURCHASE
    kinds = np.broadcast_to(np.asarray(kind), query.shape)
    unknown = sorted(set(np.unique(kinds).tolist()) - set(KINDS))
    if unknown:
        raise TrainingInputError(f"pairs: 'kind' in {path} is {unknown[0]!r}; allowed: {', '.join(KINDS)}")
    products, places = np.unique(np.concatenate([query, target]), return_inverse=True)
    one, other = places[: len(query)].astype(np.int64), places[len(query) :].astype(np.int64)
    baskets = np.zeros(len(products), np.int64)
    bought = kinds != VIEW if (kinds != VIEW).any() else np.ones(len(kinds), np.bool_)
    for end in (one, other):
        np.maximum.at(baskets, end[bought], count[bought].astype(np.int64))
    weight = table["weight"].to_numpy().astype(np.float64) if "weight" in table.column_names else None
    pairs = Pairs(
        tuple(products.tolist()),
        one,
        other,
        count.astype(np.int64),
        kinds == VIEW,
        baskets,
        weight,
    )
    return pairs.only(one != other)
