"""What belongs together in a shop's events: orders, and where they are known the views of a visit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.evaluation.shop import Shop
from training.product.events import Events

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Baskets:
    """Baskets, the oldest first.

    Args:
        items: Places of each basket's products, ascending, each once.
        times_s: ``(baskets,)`` unix seconds of each one's first event.
        users: Customer of each; "" where unknown.
    """

    items: tuple[Codes, ...]
    times_s: Codes
    users: tuple[str, ...]

    @classmethod
    def of(cls, events: Events, shop: Shop, *, viewed: bool = False) -> Baskets:
        """The baskets of purchases, or those of views; products that the catalogue lacks are left out.

        Args:
            events: A side of the split.
            shop: Whose places are meant.
            viewed: Of views.
        """
        known = shop.places(events)
        kept = (events.viewed == viewed) & (known >= 0)
        times = events.time if events.time is not None else np.zeros(len(events), np.int64)
        basket, item, time = events.basket[kept], known[kept], times[kept]
        order = np.lexsort((item, basket))
        basket, item, time = basket[order], item[order], time[order]
        starts = np.flatnonzero(np.diff(basket, prepend=-1))
        if not len(starts):
            return cls((), np.zeros(0, np.int64), ())
        first = np.minimum.reduceat(time, starts)
        age = np.lexsort((basket[starts], first))
        items = np.split(item, starts[1:])
        users = tuple(shop.split.users[number] for number in basket[starts][age].tolist())
        return cls(tuple(np.unique(items[at]) for at in age.tolist()), first[age], users)
