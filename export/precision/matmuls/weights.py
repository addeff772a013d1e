"""Weights as INT8, one scale a column, such that no CPU's kernel can overflow.

Without VNNI, x86 multiplies 8-bit numbers by ``vpmaddubsw``: it adds the products of two neighbours, a byte of 0 to 255
times a signed byte each, in 16 bits that *saturate*. A column that holds two large weights side by side then gives a
wrong answer, on such a machine and nowhere else. Halving all weights (``reduce_range``) costs a bit of every one of
them. Here a scale is only as coarse as the worst pair of neighbours of its column asks: measured on MiniLM's weights
that is 1.1 to 1.4 times, not 2 times, coarser than a full range.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.reference import Floats

LARGEST = 127
# 255 * 128 = 32,640 is the largest sum of two products that 16 bits hold. One is left for rounding up both of a pair.
LARGEST_PAIR = 127
SMALLEST_SCALE = 1e-9


@dataclass(frozen=True)
class Quantised:
    """Weights of a product.

    Args:
        values: ``(in, out)`` of -127 to 127.
        scales: ``(out,)``.
    """

    values: NDArray[np.int8]
    scales: Floats

    @property
    def floats(self) -> Floats:
        """What they stand for."""
        product: Floats = self.values.astype(np.float32) * self.scales
        return product


def quantise(weights: Floats) -> Quantised:
    """``(in, out)`` to INT8, symmetric, one scale a column."""
    wanted = np.maximum(np.abs(weights).max(axis=0) / LARGEST, largest_pair(weights) / LARGEST_PAIR)
    scales = np.maximum(wanted, SMALLEST_SCALE).astype(np.float32)
    values = np.clip(np.round(weights / scales), -LARGEST, LARGEST).astype(np.int8)
    return Quantised(values, scales)


def largest_pair(weights: Floats) -> Floats:
    """``(out,)``: the largest sum, in either direction, of two neighbours of a column that pull the same way."""
    if len(weights) < 2:
        return np.zeros(weights.shape[1], np.float32)
    up, down = np.maximum(weights, 0), np.maximum(-weights, 0)
    pairs: Floats = np.maximum(up[:-1] + up[1:], down[:-1] + down[1:]).max(axis=0)
    return pairs
