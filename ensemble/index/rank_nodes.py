"""What a business score adds to the similarity, as a tree: the one form that every engine evaluates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeAlias

# What expressions are evaluated with: ``numpy``, or ``torch``, whose functions have the same names.
Arrays: TypeAlias = ModuleType


@dataclass(frozen=True, slots=True)
class Constant:
    """A number.

    Args:
        value: Finite.
    """

    value: float


@dataclass(frozen=True, slots=True)
class Field:
    """A column of numbers, or of flags as 0 and 1; NaN where a product has no value.

    Args:
        name: Its name.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Apply:
    """A function of other parts.

    Args:
        function: One of ``FUNCTIONS``.
        arguments: As many as it takes.
    """

    function: str
    arguments: tuple[Part, ...]


Part: TypeAlias = Constant | Field | Apply

# By name: how many arguments, and the value; NaN comes through all but `fill`.
FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "+": (2, lambda xp, one, other: one + other),
    "-": (2, lambda xp, one, other: one - other),
    "*": (2, lambda xp, one, other: one * other),
    "/": (2, lambda xp, one, other: one / other),
    "negative": (1, lambda xp, one: -one),
    "log1p": (1, lambda xp, one: xp.log1p(one)),
    "sqrt": (1, lambda xp, one: xp.sqrt(one)),
    "exp": (1, lambda xp, one: xp.exp(one)),
    "abs": (1, lambda xp, one: xp.abs(one)),
    "min": (2, lambda xp, one, other: xp.minimum(one, other)),
    "max": (2, lambda xp, one, other: xp.maximum(one, other)),
    "clip": (3, lambda xp, one, low, high: xp.minimum(xp.maximum(one, low), high)),
    "fill": (2, lambda xp, one, other: xp.where(xp.isnan(one), other, one)),
}


def evaluate(part: Part, values: Mapping[str, Any], xp: Arrays) -> Any:
    """The value of each product.

    Args:
        part: What to evaluate.
        values: For each field that is used an array of float64, all of one length.
        xp: The library that the arrays are of.

    Returns:
        float64: an array of that length, or of no dimension where no field is used.
    """
    if isinstance(part, Field):
        return values[part.name]
    if isinstance(part, Constant):
        return xp.asarray(part.value, dtype=xp.float64)
    _, value = FUNCTIONS[part.function]
    return value(xp, *(evaluate(argument, values, xp) for argument in part.arguments))


def fields_of(part: Part | None) -> frozenset[str]:
    """The columns that are used."""
    if isinstance(part, Field):
        return frozenset([part.name])
    return frozenset().union(*map(fields_of, part.arguments)) if isinstance(part, Apply) else frozenset()
