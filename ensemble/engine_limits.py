"""Shapes that an engine takes, by optimization profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Limits:
    """Shapes of one optimization profile, by input: smallest, tuned for, largest."""

    shapes: Mapping[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]]

    @property
    def most_rows(self) -> int:
        """Largest batch."""
        return min(most[0] for _, _, most in self.shapes.values())

    def take(self, inputs: Mapping[str, Array]) -> bool:
        """Whether rows of these shapes fit, however many there are."""
        return all(_within(inputs[name].shape, shapes[0], shapes[2]) for name, shapes in self.shapes.items())

    def distance(self, inputs: Mapping[str, Array]) -> int:
        """How far the inputs are from the shapes that the kernels are tuned for."""
        pairs = ((inputs[name].shape, shapes[1]) for name, shapes in self.shapes.items())
        return sum(abs(size - tuned) for shape, usual in pairs for size, tuned in zip(shape, usual, strict=True))

    def told(self) -> str:
        """Such as ``INPUT_IDS (1, 16) to (64, 16), LENGTHS (1, 1) to (64, 1)``."""
        return ", ".join(f"{name} {least} to {most}" for name, (least, _, most) in self.shapes.items())


def _within(shape: tuple[int, ...], least: tuple[int, ...], most: tuple[int, ...]) -> bool:
    """Whether a row's shape is within bounds, and the batch not too small; too large a batch can be cut."""
    if len(shape) != len(least) or shape[0] < least[0]:
        return False
    return all(low <= size <= high for size, low, high in zip(shape[1:], least[1:], most[1:], strict=True))
