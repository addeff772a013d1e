"""A uniform sample of a stream whose length is not known."""

from __future__ import annotations

import math
from random import Random


class Reservoir:
    """Chooses which items of a stream are kept, so that each is kept with the same probability.

    Algorithm L of Li (1994), "Reservoir-sampling algorithms of time complexity O(n(1 + log(N/n)))": once it is full, it
    draws how many items to pass over, so that an item that is not kept costs a comparison.

    Args:
        capacity: How many items are kept.
        random: Where chance comes from.
    """

    def __init__(self, capacity: int, random: Random) -> None:
        if capacity < 1:
            raise ValueError(f"`capacity` must be at least 1, got {capacity}")
        self.capacity, self.seen = capacity, 0
        self._random, self._weight, self._next = random, 1.0, capacity
        self._pass_over()

    def offer(self) -> int | None:
        """The slot, ``0 <= slot < capacity``, that the next item belongs in; None for an item that is not kept."""
        self.seen += 1
        if self.seen <= self.capacity:
            return self.seen - 1
        if self.seen < self._next:
            return None
        self._pass_over()
        return self._random.randrange(self.capacity)

    def _pass_over(self) -> None:
        """Draw which item is kept next."""
        self._weight *= math.exp(math.log(1.0 - self._random.random()) / self.capacity)
        skipped = math.floor(math.log(1.0 - self._random.random()) / math.log1p(-self._weight))
        self._next += skipped + 1
