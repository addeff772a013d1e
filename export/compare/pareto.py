"""The towers that no other tower beats in everything."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def front(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points are on the Pareto front: no other is at most as costly in everything and cheaper in something.

    Points that are equal in everything are on it together.

    Args:
        costs: ``(points, costs)``; lower is better in each column.

    Returns:
        ``(points,)``.

    Raises:
        ValueError: A cost is not finite.
    """
    if not np.isfinite(costs).all():
        raise ValueError("`costs` must be finite")
    no_worse = (costs[:, None] <= costs[None]).all(axis=2)
    better = (costs[:, None] < costs[None]).any(axis=2)
    beaten: NDArray[np.bool_] = (no_worse & better).any(axis=0)
    return ~beaten
