"""A projection head: one linear layer that brings a tower's vector into a space."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.errors import BadSource

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Projection:
    """A linear layer.

    Args:
        weight: ``(out, in)`` float32.
        bias: ``(out,)`` float32, or ``None``.
    """

    weight: Floats
    bias: Floats | None = None

    def __post_init__(self) -> None:
        if self.weight.ndim != 2:
            raise ValueError(f"`weight` must be (out, in), got shape {self.weight.shape}")
        if self.bias is not None and self.bias.shape != self.weight.shape[:1]:
            raise ValueError(f"`bias` must be of shape {self.weight.shape[:1]}, got {self.bias.shape}")

    def __call__(self, vectors: Floats) -> Floats:
        """Project ``(batch, in)`` to ``(batch, out)`` in numpy: the twin of what the graph does."""
        projected = vectors @ self.weight.T
        return projected if self.bias is None else projected + self.bias


def load_projection(path: Path | None) -> Projection | None:
    """Read ``weight`` and, where it is there, ``bias``.

    Raises:
        BadSource: Not a safetensors file, or other tensors than these; says which.
    """
    if path is None:
        return None
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise BadSource(f"{path}: not a safetensors file: {error}") from error
    if "weight" not in tensors or set(tensors) - {"weight", "bias"}:
        raise BadSource(f"{path}: holds {sorted(tensors)}; needed: weight (out, in) and, if any, bias (out)")
    try:
        return Projection(**{name: tensor.astype(np.float32) for name, tensor in tensors.items()})
    except ValueError as error:
        raise BadSource(f"{path}: {error}") from error
