"""What was written while things broke, and what may therefore be found afterwards."""

from __future__ import annotations

import itertools
import threading
from typing import Any

from clients import Client, TandemError

PREFIX = "W"
EVERYTHING = 1_000
# So that one search can show all that was written.
MOST = 900


class Book:
    """Writes products and changes their prices; for one thread.

    A write that ended with an error may have been done or not: both are allowed afterwards. One that was acknowledged
    must be there.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._may_cost: dict[str, list[float]] = {}
        self._sure: set[str] = set()
        self._lock = threading.Lock()
        self.acknowledged, self.seq = 0, 0

    def write(self, client: Client) -> None:
        """A new product, and next time its price.

        Raises:
            TandemError: The write was refused, or its answer was lost.
        """
        number, changes = divmod(next(self._numbers), 2)
        name, price = f"{PREFIX}{number % MOST:04}", float(number + 0.5 * changes)
        with self._lock:
            before = self._may_cost.get(name, [])
            patched = bool(changes) and name in self._sure
            self._may_cost[name] = [*before, price]
        seq = client.patch(name, price=price).seq if patched else client.upsert(_product(name, price)).seq
        with self._lock:
            self._may_cost[name] = [price]
            self._sure.add(name)
            self.acknowledged, self.seq = self.acknowledged + 1, max(self.seq, seq)

    def lost(self, client: Client) -> list[str]:
        """Products of acknowledged writes that are not found, or not as they were written last.

        Raises:
            TandemError: The server does not answer.
        """
        with self._lock:
            sure, may_cost, seq = (
                set(self._sure),
                {name: list(costs) for name, costs in self._may_cost.items()},
                self.seq,
            )
        told = client.search(text="red", k=EVERYTHING, min_seq=seq)
        prices: dict[str, Any] = {found.id: found.price for found in told.results}
        return sorted(name for name in sure if prices.get(name) not in may_cost[name])


def _product(name: str, price: float) -> dict[str, object]:
    return {"id": name, "title": "red mug", "category": "Kitchen/Mugs", "price": price}


def lost_in_the_end(url: str, book: Book, timeout_s: float) -> list[str]:
    """See ``Book.lost``; a server that is behind is asked again."""
    with Client(url, timeout_s=timeout_s) as client:
        try:
            return book.lost(client)
        except TandemError as error:
            return [f"nothing could be asked: {error}"]
