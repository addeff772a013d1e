"""How far two samples are apart: maximum mean discrepancy of vectors, Kolmogorov-Smirnov distance of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
_MOST_FOR_BANDWIDTH = 1_000


def bandwidth(vectors: Floats) -> float:
    """Width of the kernel: the median distance of two different rows (the median heuristic of Gretton et al., 2012).

    Args:
        vectors: ``(rows, dim)``; of more than a thousand, evenly spaced ones are looked at.

    Returns:
        A length above 0; 1 where all rows are the same.
    """
    some = vectors[:: max(1, -(-len(vectors) // _MOST_FOR_BANDWIDTH))]
    squares = _squares(some, some)[np.triu_indices(len(some), 1)]
    squares = squares[squares > 1e-6]
    return float(np.sqrt(np.median(squares))) if len(squares) else 1.0


def kernel(one: Floats, other: Floats, width: float) -> NDArray[np.float64]:
    """``exp(-|x - y|^2 / (2 width^2))`` of each row of one with each of the other, ``(len(one), len(other))``."""
    values: NDArray[np.float64] = np.exp(_squares(one, other) / (-2.0 * width**2))
    return values


def likeness(rows: Floats, width: float) -> float:
    """Mean of the kernel over all pairs of two different rows; at least two rows."""
    count = len(rows)
    if count < 2:
        raise ValueError(f"a sample of at least 2 rows is needed, got {count}")
    return float((kernel(rows, rows, width).sum() - count) / (count * (count - 1)))


def mmd2(one: Floats, other: Floats, width: float, *, within_other: float | None = None) -> float:
    """Squared maximum mean discrepancy, unbiased: near 0, at times below it, where both have one distribution.

    Equation 3 of Gretton, Borgwardt, Rasch, Schölkopf and Smola (2012), "A kernel two-sample test".

    Args:
        one: ``(m, dim)``, at least two rows.
        other: ``(n, dim)``, at least two rows.
        width: Of the kernel.
        within_other: ``likeness`` of the other, where it is known already.
    """
    within_other = likeness(other, width) if within_other is None else within_other
    return likeness(one, width) + within_other - 2.0 * float(kernel(one, other, width).mean())


def witness(points: Floats, window: Floats, baseline: Floats, width: float) -> NDArray[np.float64]:
    """How much denser the window is than the baseline at each point, ``(len(points),)``.

    The function whose means differ most, section 2.3 of Gretton et al. (2012).
    """
    in_window: NDArray[np.float64] = kernel(points, window, width).mean(axis=1)
    in_baseline: NDArray[np.float64] = kernel(points, baseline, width).mean(axis=1)
    return in_window - in_baseline


def ks(one: Floats, other: Floats) -> float:
    """Largest difference of two samples' distribution functions, 0 to 1; ties are allowed."""
    if not (len(one) and len(other)):
        raise ValueError(f"two samples of at least 1 value are needed, got {len(one)} and {len(other)}")
    one, other = np.sort(one), np.sort(other)
    values = np.concatenate([one, other])
    at_one = np.searchsorted(one, values, side="right") / len(one)
    at_other = np.searchsorted(other, values, side="right") / len(other)
    return float(np.abs(at_one - at_other).max())


def _squares(one: Floats, other: Floats) -> NDArray[np.float64]:
    """Squared Euclidean distances."""
    one, other = one.astype(np.float64), other.astype(np.float64)
    squares: NDArray[np.float64] = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2.0 * one @ other.T
    squares[squares < 0.0] = 0.0  # by rounding
    return squares
