"""Filters as boolean expressions of Milvus."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ensemble.index.columns import Column, IdColumn, Kind, Stored
from ensemble.index.filter import parse_filter
from ensemble.index.milvus.tokens import key_of, present, token, under
from ensemble.index.names import Names
from ensemble.index.nodes import And, Equals, IsIn, Node, Not, Or, Under, Within
from ensemble.index.values import KEY_FIELDS

EVERYTHING = ""
NOTHING = "slot < 0"


def columns_of(kinds: Mapping[str, Kind]) -> dict[str, Column]:
    """Columns without values: what a filter is checked against.

    Args:
        kinds: Of the catalogue's attributes.
    """
    stored = {name: Stored.missing(kind, 0) for name, kind in {**kinds, **KEY_FIELDS}.items()}
    return {"id": IdColumn(Names()), **stored}


def compiled(text: bytes, columns: Mapping[str, Column]) -> str:
    """A filter as an expression; an empty one is passed by every product.

    Raises:
        InvalidInput: It is not a filter over these columns.
    """
    parsed = parse_filter(text, columns)
    return EVERYTHING if parsed is None else expression(parsed.tree)


def expression(node: Node) -> str:
    """The expression that passes the products which a filter passes.

    All versions of Milvus take a false operand of ``and`` for the whole, whatever the other one is: numbers are
    compared only beside the test that the product has them.
    """
    match node:
        case And(parts):
            return " and ".join(f"({expression(part)})" for part in parts)
        case Or(parts):
            return " or ".join(f"({expression(part)})" for part in parts)
        case Not(part):
            return f"not ({expression(part)})"
        case _:
            return _compared(node)


def keys_in(keys: Sequence[str]) -> str:
    """The products of some keys."""
    return f"key in [{_listed(keys)}]" if keys else NOTHING


def slots_in(first: int, end: int) -> str:
    """The products of slots from ``first`` up to before ``end``."""
    return f"slot >= {int(first)} and slot < {int(end)}"


def _compared(leaf: Equals | IsIn | Within | Under) -> str:
    match leaf:
        case Equals(field, value):
            return _is_one_of(field, [value])
        case IsIn(field, values):
            return _is_one_of(field, values)
        case Within(field, low, high):
            return _within(field, low, high)
        case Under(path):
            return _contains([under(path)])


def _is_one_of(field: str, values: Sequence[Any]) -> str:
    if field == "id":
        return keys_in([key_of(value) for value in values])
    return _contains([token(field, value) for value in values])


def _contains(terms: Sequence[str]) -> str:
    """The products with one of some tokens."""
    if len(terms) == 1:
        return f'array_contains(terms, "{terms[0]}")'
    return f"array_contains_any(terms, [{_listed(terms)}])" if terms else NOTHING


def _within(field: str, low: float, high: float) -> str:
    number = "price" if field == "price" else f'numbers["{present(field)}"]'
    bounds = [f"{number} {sign} {bound!r}" for sign, bound in ((">=", low), ("<=", high)) if math.isfinite(bound)]
    return " and ".join([_contains([present(field)]), *bounds])


def _listed(tokens: Sequence[str]) -> str:
    return ", ".join(f'"{one}"' for one in dict.fromkeys(tokens))
