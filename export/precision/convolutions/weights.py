"""Weights in 8 bits that no kernel can overflow on.

Processors without dot products in hardware (x86 before VNNI) multiply two pairs of bytes at once and add the products
in 16 bits, saturated: an unsigned activation of 255 times two weights that add to more than 128 is cut off. So two
neighbours of one sign never add to more here, which costs far less precision than weights of 7 bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.reference import Array, Floats

# Two neighbours of one sign may add to 128, as 255 * 128 < 2**15; rounding them may add 1 to what was 127.
PAIR = 127
LARGEST = 127
# Larger biases could overflow the 32 bits that sums are kept in.
LARGEST_BIAS = float(2**30)
SMALLEST_SCALE = float(np.finfo(np.float32).tiny) * 2**24
Codes = NDArray[np.int8]


@dataclass(frozen=True)
class Weights:
    """A convolution's weights and bias in integers.

    Args:
        codes: ``(outputs, inputs / groups, ...)``.
        scales: ``(outputs,)``, one step of each output channel.
        bias: ``(outputs,)``, in steps of input scale times ``scales``.
    """

    codes: Codes
    scales: Floats
    bias: NDArray[np.int32]

    @property
    def values(self) -> Floats:
        """What the codes stand for."""
        return self.codes.astype(np.float32) * _by_output(self.scales, self.codes)


def quantise(weights: Floats, bias: Floats, input_scale: float, *, depthwise: bool = False) -> Weights:
    """Symmetric codes, one scale per output channel.

    Args:
        weights: ``(outputs, inputs / groups, ...)``.
        bias: ``(outputs,)``.
        input_scale: One step of the convolution's input.
        depthwise: Each channel has a kernel of its own, which multiplies in 32 bits, where no pair can overflow.
    """
    # A channel of nothing but a bias would get steps so fine that the bias does not fit.
    least = np.maximum(np.abs(bias) / (LARGEST_BIAS * input_scale), SMALLEST_SCALE)
    largest = np.abs(weights.reshape(len(weights), -1)).max(axis=1) if depthwise else _largest_pair(weights)
    scales = np.maximum(largest / PAIR, least).astype(np.float32)
    codes = np.clip(np.round(weights / _by_output(scales, weights)), -LARGEST, LARGEST).astype(np.int8)
    return Weights(codes, scales, in_steps(bias, scales, input_scale))


def in_steps(bias: Floats, scales: Floats, input_scale: float) -> NDArray[np.int32]:
    """``(outputs,)`` bias in steps of input scale times scales, cut off where it does not fit."""
    steps = np.round(bias.astype(np.float64) / (scales.astype(np.float64) * input_scale))
    return np.clip(steps, -LARGEST_BIAS, LARGEST_BIAS).astype(np.int32)


def pairs(rows: Array) -> Array:
    """``(outputs, pairs, 2)``: neighbours in the order that kernels read them.

    ONNX Runtime packs the input channels of each kernel position next to each other.

    Args:
        rows: ``(outputs, inputs / groups, ...)``.
    """
    flat = np.moveaxis(rows, 1, -1).reshape(len(rows), -1)
    return np.pad(flat, ((0, 0), (0, flat.shape[1] % 2))).reshape(len(rows), -1, 2)


def _largest_pair(weights: Floats) -> Floats:
    """``(outputs,)``: the largest sum of one sign of neighbours, or the largest weight where there are none."""
    largest: Floats = np.abs(weights.reshape(len(weights), -1)).max(axis=1)
    for sign in (1, -1):
        largest = np.maximum(largest, np.maximum(sign * pairs(weights), 0).sum(axis=2).max(axis=1))
    return largest


def _by_output(scales: Floats, weights: Floats | Codes) -> Floats:
    return scales.reshape(-1, *(1,) * (weights.ndim - 1))
