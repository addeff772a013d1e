"""Filters: one JSON expression, compiled once to a tree, evaluated to a bit mask over the slots.

``{"eq": [field, value]}``, ``{"in": [field, [values]]}``, ``{"range": [field, low, high]}`` (inclusive; ``null`` is
open), ``{"under": ["category", "Kitchen/Mugs"]}``, ``{"and": [...]}``, ``{"or": [...]}``, ``{"not": ...}``.
A product without the field matches none of the first four. Words are compared as columns hold them: `` XL `` is ``XL``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from ensemble.errors import InvalidInput
from ensemble.index.columns import ALLOWED, Column, Kind, Mask, Numbers, Stored, accepts
from ensemble.index.filter_size import MAX_BYTES, MAX_DEPTH, FilterSize
from ensemble.index.names import Names
from ensemble.words import as_word

Columns = Mapping[str, Column]
Evaluate = Callable[[Columns, Numbers | None], Mask]


@dataclass(frozen=True)
class Filter:
    """A compiled filter. It stays right while columns gain words, and columns are added; not when one changes its kind.

    Args:
        evaluate: Computes the mask from columns and the slots that are asked about.
        nbytes: The most memory that it takes.
    """

    evaluate: Evaluate
    nbytes: int

    def mask(self, columns: Columns, slots: Numbers | None = None) -> Mask:
        """Which slots pass, as bool: of all, or of ``slots``, in their order."""
        return self.evaluate(columns, slots)


def parse_filter(text: str | bytes, columns: Columns, *, name: str = "FILTER") -> Filter | None:
    """Compile a filter against a catalogue's columns.

    Args:
        text: The JSON expression; an empty one is no filter.
        columns: The fields that exist.
        name: How errors call the input.

    Returns:
        The filter, or None where the text is empty.

    Raises:
        InvalidInput: Not an expression, too large a one, an unknown field, or a value of the wrong type; names the
            place.
    """
    if not text:
        return None
    if len(text) > MAX_BYTES:
        raise InvalidInput(name, f"{len(text):,} bytes; at most {MAX_BYTES:,} are allowed")
    try:
        expression = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(name, f"not JSON: {error}") from None
    size = FilterSize(len(text))
    return Filter(_compile(expression, _Scope(columns, size), name), size.nbytes)


@dataclass(frozen=True)
class _Scope:
    """What an expression is compiled against, and how deep it may still be nested."""

    columns: Columns
    size: FilterSize
    depth: int = MAX_DEPTH

    @property
    def inner(self) -> _Scope:
        return replace(self, depth=self.depth - 1)


def _compile(expression: Any, scope: _Scope, place: str) -> Evaluate:
    if scope.depth == 0:
        raise InvalidInput(place, f"nested deeper than {MAX_DEPTH}")
    if not isinstance(expression, dict) or len(expression) != 1:
        raise InvalidInput(place, f"an object with one of {', '.join(_OPERATORS)} is needed, got {_shown(expression)}")
    ((operator, operand),) = expression.items()
    if operator not in _OPERATORS:
        raise InvalidInput(place, f"unknown operator {operator!r}; allowed are {', '.join(_OPERATORS)}")
    return _OPERATORS[operator](operand, scope, f"{place}.{operator}")


def _all_of(operand: Any, scope: _Scope, place: str) -> Evaluate:
    parts = _parts(operand, scope, place)
    return lambda live, slots: reduce(np.logical_and, (part(live, slots) for part in parts))


def _any_of(operand: Any, scope: _Scope, place: str) -> Evaluate:
    parts = _parts(operand, scope, place)
    return lambda live, slots: reduce(np.logical_or, (part(live, slots) for part in parts))


def _parts(operand: Any, scope: _Scope, place: str) -> list[Evaluate]:
    scope.size.add(place)
    if not isinstance(operand, list) or not operand:
        raise InvalidInput(place, f"a list of at least one expression is needed, got {_shown(operand)}")
    return [_compile(part, scope.inner, f"{place}[{number}]") for number, part in enumerate(operand)]


def _none_of(operand: Any, scope: _Scope, place: str) -> Evaluate:
    scope.size.add(place)
    part = _compile(operand, scope.inner, place)
    return lambda live, slots: np.logical_not(part(live, slots))


def _equals(operand: Any, scope: _Scope, place: str) -> Evaluate:
    scope.size.add(place, leaves=1)
    field, given = _arguments(operand, scope.columns, place, "field", "value")
    value = _compared(scope.columns[field], field, given, place)
    return lambda live, slots: live[field].equals(value, slots)


def _is_in(operand: Any, scope: _Scope, place: str) -> Evaluate:
    field, given = _arguments(operand, scope.columns, place, "field", "[values]")
    if not isinstance(given, list):
        raise InvalidInput(place, f"a list of values is needed, got {_shown(given)}")
    scope.size.add(place, leaves=1, values=len(given))
    values = [_compared(scope.columns[field], field, value, place) for value in given]
    return lambda live, slots: live[field].is_in(values, slots)


def _within(operand: Any, scope: _Scope, place: str) -> Evaluate:
    scope.size.add(place, leaves=1)
    field, low, high = _arguments(operand, scope.columns, place, "field", "low", "high")
    if scope.columns[field].kind != "number":
        raise InvalidInput(place, f"{field!r} is not a number; those that are: {_names(scope.columns, 'number')}")
    for bound in (low, high):
        if bound is not None:
            _check("number", field, bound, place)
    bottom, top = -np.inf if low is None else float(low), np.inf if high is None else float(high)
    return lambda live, slots: _stored(live, field).within(bottom, top, slots)


def _under(operand: Any, scope: _Scope, place: str) -> Evaluate:
    scope.size.add(place, leaves=1)
    field, path = _arguments(operand, scope.columns, place, "category", "path")
    if field != "category" or not isinstance(path, str) or not path.strip("/"):
        raise InvalidInput(place, f'["category", "A/B"] is needed, got {_shown(operand)}')
    below = _Below(path.strip("/"))
    scope.size.codes += len(below.codes(_stored(scope.columns, field).words))
    return lambda live, slots: _stored(live, field).coded_in(below.codes(_stored(live, field).words), slots)


class _Below:
    """The categories at or below one: each word of a growing vocabulary is looked at once."""

    def __init__(self, root: str) -> None:
        self._root, self._seen, self._codes = root, 0, list[int]()

    def codes(self, words: Names) -> list[int]:
        first, self._seen = self._seen, len(words)
        for code, word in enumerate(words.since(first), first):
            if word == self._root or word.startswith(f"{self._root}/"):
                self._codes.append(code)
        return self._codes


def _stored(columns: Columns, field: str) -> Stored:
    column = columns[field]
    if not isinstance(column, Stored):
        raise TypeError(f"{field!r} has no values of its own")
    return column


_OPERATORS: dict[str, Callable[[Any, _Scope, str], Evaluate]] = {
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
