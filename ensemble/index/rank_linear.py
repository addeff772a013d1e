"""Arithmetic with expressions in which the inner product may occur, as long as it stays a plain factor of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ensemble.index.rank_nodes import Apply, Constant, Part, evaluate

SIMILARITY = "similarity"


class NotAllowed(ValueError):
    """What a business score may not say; the message tells what it may. Whoever knows the place adds it."""


@dataclass(frozen=True)
class Linear:
    """``similarity * (inner product) + rest``.

    Args:
        similarity: The factor; None where the inner product does not occur.
        rest: What is added; None for nothing.
    """

    similarity: float | None
    rest: Part | None

    @property
    def number(self) -> Constant | None:
        """What it is where it is a number and nothing else."""
        return self.rest if self.similarity is None and isinstance(self.rest, Constant) else None


def applied(function: str, *parts: Part) -> Part:
    """A function of parts; a number where all of them are.

    Raises:
        NotAllowed: That number is not finite.
    """
    numbers = [part for part in parts if isinstance(part, Constant)]
    return folded(function, *numbers) if len(numbers) == len(parts) else Apply(function, parts)


def folded(function: str, *numbers: Constant) -> Constant:
    """The value of a function of numbers.

    Raises:
        NotAllowed: It is not finite.
    """
    with np.errstate(all="ignore"):
        return finite(float(evaluate(Apply(function, numbers), {}, np)))


def finite(value: float) -> Constant:
    """A number of an expression.

    Raises:
        NotAllowed: It is not finite.
    """
    try:
        number = float(value)
    except OverflowError:  # a whole number beyond all floats
        number = math.inf
    if not math.isfinite(number):
        raise NotAllowed("not a finite number")
    return Constant(number)


def negated(one: Linear) -> Linear:
    """``-one``."""
    factor = None if one.similarity is None else -one.similarity
    return Linear(factor, None if one.rest is None else applied("negative", one.rest))


def summed(operator: str, one: Linear, other: Linear) -> Linear:
    """``one + other`` or ``one - other``.

    Raises:
        NotAllowed: The inner product occurs in both.
    """
    if one.similarity is not None and other.similarity is not None:
        raise NotAllowed(f"{SIMILARITY} occurs twice; exactly once is needed")
    signed = other if operator == "+" else negated(other)
    factor = signed.similarity if one.similarity is None else one.similarity
    if one.rest is None or other.rest is None:
        return Linear(factor, signed.rest if one.rest is None else one.rest)
    return Linear(factor, applied(operator, one.rest, other.rest))


def scaled(operator: str, one: Linear, other: Linear) -> Linear:
    """``one * other`` or ``one / other``.

    Raises:
        NotAllowed: The inner product would not stay a plain factor.
    """
    if one.similarity is None and other.similarity is not None and operator == "*" and one.number is not None:
        one, other = other, one
    if one.similarity is None and other.similarity is None and one.rest is not None and other.rest is not None:
        return Linear(None, applied(operator, one.rest, other.rest))
    if one.similarity is None or other.number is None:
        raise NotAllowed(f"{SIMILARITY} may only be multiplied with a number, or divided by one")
    factor = folded(operator, Constant(one.similarity), other.number)
    return Linear(factor.value, None if one.rest is None else applied(operator, one.rest, other.number))
