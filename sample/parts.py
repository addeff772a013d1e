"""What a shape is made of: parts, each an outline with a paint and a shade."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sample.geometry import Outline

Paint: TypeAlias = Literal["main", "plain", "accent", "dark", "light", "steel", "brass", "wood", "leaf", "glass"]
Shade: TypeAlias = Literal["round", "ball", "flat", "down", "cloth"]


@dataclass(frozen=True)
class Part:
    """One painted area. Later parts cover earlier ones.

    Attributes:
        outline: (n, 2) corners in the unit square.
        paint: ``main`` carries the product's pattern, ``plain`` its colour alone, ``accent`` its second colour;
            the others are fixed trims.
        shade: how light falls on it.
        tone: brightness against its neighbours; 1.0 is full light.
        holes: outlines that are cut out.
    """

    outline: Outline
    paint: Paint = "main"
    shade: Shade = "flat"
    tone: float = 1.0
    holes: tuple[Outline, ...] = ()


@dataclass(frozen=True)
class Form:
    """What tells two products of one kind apart in shape.

    Attributes:
        variant: one of the kind's variants, as the title names it.
        draws: eight numbers in 0..1 that the shape turns into proportions.
    """

    variant: str
    draws: tuple[float, ...]

    def between(self, index: int, low: float, high: float) -> float:
        """Map draw ``index`` (taken modulo their number) to ``low`` .. ``high``."""
        return low + (high - low) * self.draws[index % len(self.draws)]

    def pick(self, index: int, count: int) -> int:
        """Map draw ``index`` to a whole number 0 .. ``count`` - 1."""
        return min(count - 1, int(self.draws[index % len(self.draws)] * count))


Shape: TypeAlias = Callable[[Form], list[Part]]
