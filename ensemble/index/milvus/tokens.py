"""What filters compare, as tokens: strings of hexadecimal digits that stand for a field with a value.

Expressions of Milvus are made of these tokens and of numbers alone, so that no text of a caller or a product is ever
part of one: nothing has to be escaped, and nothing can be injected. A product without a field has none of its tokens,
which are never null: what is missing is false, and its negation true, whichever logic of nulls a version of Milvus has.
A number has a token as a number and one as a word. Tokens do not depend on a column's kind, so that one that changes
its kind needs no product to be written again.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from ensemble.index.values import KEY_FIELDS, RESERVED, Product, attributes_of, values_of
from ensemble.words import as_word

LENGTH = 32


@dataclass(frozen=True)
class Tokens:
    """What a product can be found by.

    Args:
        terms: A token for each field that it has, each value, and each category that it lies in.
        price: 0 where it has none.
        numbers: The other numbers, by the token of their field.
    """

    terms: tuple[str, ...]
    price: float
    numbers: Mapping[str, float]

    @classmethod
    def of(cls, product: Product) -> Tokens:
        """Those of a product as the catalogue has it."""
        terms: dict[str, None] = {}
        numbers: dict[str, float] = {}
        for name, value in _fields(product):
            terms[present(name)] = None
            terms.update((token(name, one), None) for one in _compared(value))
            if is_number(value):
                numbers[present(name)] = _finite(value)
            if name == "category":
                terms.update((under(path), None) for path in _paths(as_word(value)))
        return cls(tuple(terms), numbers.pop(present("price"), 0.0), numbers)


def key_of(product_id: str) -> str:
    """The primary key of a product."""
    return _digest("id", product_id)


def token(name: str, value: Any) -> str:
    """A field with a value: numbers compare as float64, and with numbers alone; everything else as words."""
    if is_number(value):
        return _digest("number", f"{len(name)}:{name}={as_word(_real(value))}")
    return _digest("value", f"{len(name)}:{name}={as_word(value)}")


def present(name: str) -> str:
    """A field with any value."""
    return _digest("field", name)


def under(path: str) -> str:
    """A category, or one that lies below it."""
    return _digest("under", path)


def is_number(value: Any) -> bool:
    """Whether it is one; flags are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _digest(what: str, text: str) -> str:
    # A filter may ask for half of a surrogate pair: no product has it, and that is no error.
    content = text.encode("utf-8", "surrogatepass")
    return blake2b(content, digest_size=LENGTH // 2, person=what.encode()).hexdigest()


def _fields(product: Product) -> Iterator[tuple[str, Any]]:
    """The fields that have a value."""
    for name in KEY_FIELDS:
        (value,) = values_of([product], name)
        if value is not None:
            yield name, value
    for name, value in attributes_of(product).items():
        if name not in RESERVED and value is not None:
            yield name, value


def _compared(value: Any) -> Iterator[Any]:
    """As a column of words holds it, and as one of numbers does."""
    yield as_word(value)
    if is_number(value):
        yield value


def _paths(category: str) -> Iterator[str]:
    yield category
    for place, character in enumerate(category):
        if character == "/":
            yield category[:place]


def _real(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number beyond all floats
        return math.inf if value > 0 else -math.inf


def _finite(value: float) -> float:
    """JSON has no infinite numbers; the largest one is beyond all bounds that a filter may have, but itself."""
    return max(-sys.float_info.max, min(sys.float_info.max, _real(value)))
