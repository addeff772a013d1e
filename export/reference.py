"""The slow twin of a tower's prologue and epilogue, in numpy; the exported graphs are held to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.projection import Projection

Array = NDArray[Any]
Floats = NDArray[np.float32]
# What a tower answers to its inputs by tensor name: (batch, dim) unit vectors.
Reference = Callable[[Mapping[str, Array]], Floats]

# Vectors shorter than this are left short instead of being blown up; large enough to survive FP16.
NORM_EPS = 1e-6


def token_mask(lengths: NDArray[np.int32], width: int) -> NDArray[np.int64]:
    """``(batch, width)`` with 1 for the first ``lengths`` tokens of each row."""
    return (np.arange(width)[None, :] < lengths).astype(np.int64)


def pool(states: Floats, mask: Array | None, pooling: str) -> Floats:
    """``(batch, sequence, dim)`` to ``(batch, dim)``: the first vector, or the mean of the masked ones."""
    if pooling == "cls":
        first: Floats = states[:, 0]
        return first
    weights = np.ones(states.shape[:2], np.float32) if mask is None else mask.astype(np.float32)
    total: Floats = (states * weights[:, :, None]).sum(axis=1)
    mean: Floats = total / np.maximum(weights.sum(axis=1, keepdims=True), 1)
    return mean


def finish(raw: Floats, mask: Array | None, pooling: str, projection: Projection | None) -> Floats:
    """A tower's raw output to unit vectors: pooling where it has a sequence, projection, L2 norm."""
    raw = raw.astype(np.float32)
    vectors = pool(raw, mask, pooling) if raw.ndim == 3 else raw.reshape(len(raw), -1)
    if projection is not None:
        vectors = projection(vectors)
    unit: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), NORM_EPS)
    return unit


def scale_pixels(pixels: NDArray[np.uint8], mean: tuple[float, ...], std: tuple[float, ...]) -> Floats:
    """``(batch, height, width, 3)`` bytes to normalised floats of the same layout."""
    scaled: Floats = (pixels.astype(np.float32) / 255 - np.array(mean, np.float32)) / np.array(std, np.float32)
    return scaled
