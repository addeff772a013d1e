"""Methods that take a value take its fields instead, so that a signature is written once, where the value is."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
Self_ = TypeVar("Self_")
V = TypeVar("V")
T = TypeVar("T")


def fields_of(make: Callable[P, V]) -> Callable[[Callable[[Self_, V], T]], Callable[Concatenate[Self_, P], T]]:
    """Have a method that takes one value take what makes the value.

    Args:
        make: The value's class.

    >>> class Shop:
    ...     @fields_of(complex)
    ...     def size(self, number: complex) -> float:
    ...         return abs(number)
    >>> Shop().size(3, imag=4)
    5.0
    """

    def spread(method: Callable[[Self_, V], T]) -> Callable[Concatenate[Self_, P], T]:
        @functools.wraps(method)
        def spread_method(self: Self_, /, *args: P.args, **named: P.kwargs) -> T:
            return method(self, make(*args, **named))

        told, taken = inspect.signature(method), inspect.signature(make)
        first = next(iter(told.parameters.values()))
        parameters = [first, *taken.parameters.values()]
        spread_method.__signature__ = told.replace(parameters=parameters)  # type: ignore[attr-defined]
        return spread_method

    return spread
