"""Filters: one JSON expression, compiled once to a tree, evaluated to a bit mask over the slots.

``{"eq": [field, value]}``, ``{"in": [field, [values]]}``, ``{"range": [field, low, high]}`` (inclusive; ``null`` is
open), ``{"under": ["category", "Kitchen/Mugs"]}``, ``{"and": [...]}``, ``{"or": [...]}``, ``{"not": ...}``.
A product without the field matches none of the first four. Words are compared as columns hold them: `` XL `` is ``XL``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ensemble.errors import InvalidInput
from ensemble.index.columns import ALLOWED, Column, Kind, Mask, Numbers, Stored, accepts
from ensemble.index.filter_size import LIMITS, FilterLimits, FilterSize
from ensemble.index.nodes import And, Columns, Equals, IsIn, Node, Not, Or, Under, Within, stored
from ensemble.words import as_word


@dataclass(frozen=True)
class Filter:
    """A compiled filter. It stays right while columns gain words, and columns are added; not when one changes its kind.

    Args:
        tree: What it says.
        size: How large it is.
    """

    tree: Node
    size: FilterSize = field(compare=False)

    @property
    def nbytes(self) -> int:
        """The most memory that it takes."""
        return self.size.nbytes

    def mask(self, columns: Columns, slots: Numbers | None = None) -> Mask:
        """Which slots pass, as bool: of all, or of ``slots``, in their order."""
        return self.tree.mask(columns, slots)


def parse_filter(
    text: str | bytes, columns: Columns, *, name: str = "FILTER", limits: FilterLimits = LIMITS
) -> Filter | None:
    """Compile a filter against a catalogue's columns.

    Args:
        text: The JSON expression; an empty one is no filter.
        columns: The fields that exist.
        name: How errors call the input.
        limits: How large it may be.

    Returns:
        The filter, or None where the text is empty.

    Raises:
        InvalidInput: Not an expression, too large a one, an unknown field, or a value of the wrong type; names the
            place.
    """
    if not text:
        return None
    if len(text) > limits.nbytes:
        raise InvalidInput(name, f"{len(text):,} bytes; at most {limits.nbytes:,} are allowed")
    try:
        expression = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(name, f"not JSON: {error}") from None
    size = FilterSize(len(text), limits=limits)
    return Filter(_compile(expression, _Scope(columns, size, limits.depth), name), size)


@dataclass(frozen=True)
class _Scope:
    """What an expression is compiled against, and how deep it may still be nested."""

    columns: Columns
    size: FilterSize
    depth: int

    @property
    def inner(self) -> _Scope:
        return replace(self, depth=self.depth - 1)


def _compile(expression: Any, scope: _Scope, place: str) -> Node:
    if scope.depth == 0:
        raise InvalidInput(place, f"nested deeper than {scope.size.limits.depth}")
    if not isinstance(expression, dict) or len(expression) != 1:
        raise InvalidInput(place, f"an object with one of {', '.join(_OPERATORS)} is needed, got {_shown(expression)}")
    ((operator, operand),) = expression.items()
    if operator not in _OPERATORS:
        raise InvalidInput(place, f"unknown operator {operator[:80]!r}; allowed are {', '.join(_OPERATORS)}")
    return _OPERATORS[operator](operand, scope, f"{place}.{operator}")


def _all_of(operand: Any, scope: _Scope, place: str) -> Node:
    return And(_parts(operand, scope, place))


def _any_of(operand: Any, scope: _Scope, place: str) -> Node:
    return Or(_parts(operand, scope, place))


def _parts(operand: Any, scope: _Scope, place: str) -> tuple[Node, ...]:
    scope.size.add(place)
    if not isinstance(operand, list) or not operand:
        raise InvalidInput(place, f"a list of at least one expression is needed, got {_shown(operand)}")
    return tuple(_compile(part, scope.inner, f"{place}[{number}]") for number, part in enumerate(operand))


def _none_of(operand: Any, scope: _Scope, place: str) -> Node:
    scope.size.add(place)
    return Not(_compile(operand, scope.inner, place))


def _equals(operand: Any, scope: _Scope, place: str) -> Node:
    scope.size.add(place, leaves=1)
    field, given = _arguments(operand, scope.columns, place, "field", "value")
    return Equals(field, _compared(scope.columns[field], field, given, place))


def _is_in(operand: Any, scope: _Scope, place: str) -> Node:
    field, given = _arguments(operand, scope.columns, place, "field", "[values]")
    if not isinstance(given, list):
        raise InvalidInput(place, f"a list of values is needed, got {_shown(given)}")
    scope.size.add(place, leaves=1, values=len(given))
    return IsIn(field, tuple(_compared(scope.columns[field], field, value, place) for value in given))


def _within(operand: Any, scope: _Scope, place: str) -> Node:
    scope.size.add(place, leaves=1)
    field, low, high = _arguments(operand, scope.columns, place, "field", "low", "high")
    if scope.columns[field].kind != "number":
        raise InvalidInput(place, f"{field!r} is not a number; those that are: {_names(scope.columns, 'number')}")
    for bound in (low, high):
        if bound is not None:
            _check("number", field, bound, place)
    return Within(field, -np.inf if low is None else float(low), np.inf if high is None else float(high))


def _under(operand: Any, scope: _Scope, place: str) -> Node:
    scope.size.add(place, leaves=1)
    field, path = _arguments(operand, scope.columns, place, "category", "path")
    if field != "category" or not isinstance(path, str) or not path.strip("/"):
        raise InvalidInput(place, f'["category", "A/B"] is needed, got {_shown(operand)}')
    below = Under(path.strip("/"))
    scope.size.codes += len(below.codes(stored(scope.columns, field).words))
    return below


_OPERATORS: dict[str, Callable[[Any, _Scope, str], Node]] = {
    "eq": _equals,
    "in": _is_in,
    "range": _within,
    "under": _under,
    "and": _all_of,
    "or": _any_of,
    "not": _none_of,
}


def _arguments(operand: Any, columns: Columns, place: str, *names: str) -> list[Any]:
    """The operand as a list of the right length whose first is a known field."""
    if not isinstance(operand, list) or len(operand) != len(names):
        raise InvalidInput(place, f"[{', '.join(names)}] is needed, got {_shown(operand)}")
    field = operand[0]
    if not isinstance(field, str) or field not in columns:
        raise InvalidInput(place, f"unknown field {_shown(field)}; this catalogue has {_names(columns)}")
    return operand


def _compared(column: Column, field: str, value: Any, place: str) -> Any:
    """A value as the column holds it; ids are held as they are."""
    _check(column.kind, field, value, place)
    return as_word(value) if column.kind == "word" and isinstance(column, Stored) else value


def _check(kind: Kind, field: str, value: Any, place: str) -> None:
    if not accepts(kind, value):
        raise InvalidInput(place, f"{field!r} is compared with {ALLOWED[kind]}, got {_shown(value)}")


def _names(columns: Columns, kind: str | None = None) -> str:
    return ", ".join(sorted(name for name, column in columns.items() if kind in (None, column.kind)))


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "a value too deeply nested to show"
    return text if len(text) <= 80 else text[:77] + "..."
