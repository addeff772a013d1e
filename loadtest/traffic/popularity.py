"""How often each query is asked: as in a shop, few queries make up much of the traffic.

Requests of web searches and shops follow Zipf's law: the n-th most popular of N queries is asked in proportion to
``1 / n**s`` (Breslau et al., "Web Caching and Zipf-like Distributions", INFOCOM 1999, found s from 0.64 to 0.83).
"""

from __future__ import annotations

import random as chance

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


def draw(exponent: float, distinct: int, count: int, random: np.random.Generator) -> Numbers:
    """Which queries are asked, one after the other.

    Args:
        exponent: Zipf's ``s``. At 0 every query is asked in turn, and none again before all were: the work is measured
            then, and not the memory of the server.
        distinct: How many different queries there are.
        count: How many are drawn.
        random: Decides.

    Returns:
        ``(count,)``, from 0 to ``distinct - 1``; 0 is the most popular one.
    """
    if exponent == 0:
        first = int(random.integers(distinct))
        in_turn: Numbers = np.arange(first, first + count, dtype=np.int64) % distinct
        return in_turn
    shares = np.cumsum(np.arange(1, distinct + 1, dtype=np.float64) ** -exponent)
    drawn = np.searchsorted(shares, random.random(count) * shares[-1], side="right")
    numbers: Numbers = np.minimum(drawn, distinct - 1).astype(np.int64)
    return numbers


def shuffled(count: int, seed: int) -> list[int]:
    """Numbers below ``count`` in an order by chance: what is popular is not what stands first in a file."""
    numbers = list(range(count))
    chance.Random(seed).shuffle(numbers)  # noqa: S311 - the same order every time
    return numbers
