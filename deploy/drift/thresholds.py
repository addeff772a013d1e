"""What a distance must exceed: what windows drawn from the baseline itself exceed with a small probability.

A window is drawn without replacement and compared with the rest of the baseline, as a permutation test does. Live
windows are compared with the whole, which is larger than that rest: the larger a window, the more seldom it is beyond
its threshold. Of normal numbers and vectors, a baseline of 512, where 1 % is promised: windows of 64 are beyond it in
0.5 % and 1.0 %, windows of 256, half of the baseline, in 0.04 % and 0.13 %.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from deploy.drift.distances import Floats, kernel

DRAWS = 4_000
_CHUNK = 500
_SEED = 20_12


def mmd_threshold(baseline: Floats, width: float, size: int, level: float, *, draws: int = DRAWS) -> float:
    """Value that the squared MMD of a window exceeds with probability ``level``.

    Args:
        baseline: ``(m, dim)``.
        width: Of the kernel.
        size: Rows of a window, at least 2 and at most half of the baseline.
        level: Such as 0.001.
        draws: How many windows are drawn.
    """
    own = kernel(baseline, baseline, width)
    np.fill_diagonal(own, 0.0)
    sums, total = own.sum(axis=1), own.sum()

    def distances(chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        marks = chosen.astype(np.float64)
        within = np.einsum("ij,ij->j", marks, own @ marks)
        across = sums @ marks - within
        rest = len(baseline) - size
        outside = total - within - 2.0 * across
        apart: NDArray[np.float64] = (
            within / (size * (size - 1)) + outside / (rest * (rest - 1)) - 2.0 * across / (size * rest)
        )
        return apart

    return _quantile(distances, len(baseline), size, level, draws)


def ks_threshold(baseline: Floats, size: int, level: float, *, draws: int = DRAWS) -> float:
    """Value that the Kolmogorov-Smirnov distance of a window exceeds with probability ``level``.

    Args:
        baseline: ``(m,)``.
        size: Values in a window, at most half of the baseline.
        level: Such as 0.001.
        draws: How many windows are drawn.
    """
    ordered = np.sort(baseline)
    last_of_ties = np.append(ordered[1:] != ordered[:-1], [True])

    def distances(chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        below = np.cumsum(chosen, axis=0)[last_of_ties]
        rest = np.flatnonzero(last_of_ties)[:, None] + 1 - below
        apart: NDArray[np.float64] = np.abs(below / size - rest / (len(ordered) - size)).max(axis=0)
        return apart

    return _quantile(distances, len(baseline), size, level, draws)


def _quantile(
    distances: Callable[[NDArray[np.bool_]], NDArray[np.float64]], count: int, size: int, level: float, draws: int
) -> float:
    if not 2 <= size <= count // 2:
        raise ValueError(f"`size` must be 2 to half of the baseline's {count}, got {size}")
    found = np.concatenate([distances(chosen) for chosen in _drawn(count, size, draws)])
    # The value that is there, not one between two: a threshold is exceeded only by what is larger.
    return float(np.quantile(found, 1.0 - level, method="higher"))


@lru_cache(maxsize=4)
def _drawn(count: int, size: int, draws: int) -> tuple[NDArray[np.bool_], ...]:
    """Windows as columns of marks, ``(count, _CHUNK)``, the same ones every time."""
    random = np.random.default_rng(_SEED)
    chunks = (min(_CHUNK, draws - start) for start in range(0, draws, _CHUNK))
    return tuple((random.random((chunk, count)).argsort(axis=1) < size).T for chunk in chunks)
