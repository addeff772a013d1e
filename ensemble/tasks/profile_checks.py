"""What the keys of a profile may be: every mistake is found, not the first alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ensemble.tasks.names import MAX_K, MOST_CATEGORIES

TASKS = ("similar", "complement", "inspire")
FALLBACKS = ("similar", "popular")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OPERATORS = ("eq", "in", "range", "under", "and", "or", "not")


@dataclass(frozen=True)
class Range:
    """Which numbers are allowed.

    Args:
        low: The least.
        high: The most.
        whole: Whether only whole numbers are.
        above: Whether ``low`` itself is not.
    """

    low: float
    high: float
    whole: bool = False
    above: bool = False

    @property
    def told(self) -> str:
        """In words."""
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} {'above' if self.above else 'from'} {self.low:,g} to {self.high:,g}"

    def holds(self, value: object) -> bool:
        """Whether a value is one; booleans are no numbers, and ``nan`` is in no range."""
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return False
        return (self.low < value if self.above else self.low <= value) and value <= self.high


RANGES: Mapping[str, Range] = {
    "near_duplicates": Range(0, 1, above=True),
    "diversity": Range(0, 1),
    "per_category": Range(0, MAX_K, whole=True),
    "per_brand": Range(0, MAX_K, whole=True),
    "category_level": Range(0, 16, whole=True),
    "categories": Range(1, MOST_CATEGORIES, whole=True),
    "nearest": Range(1, 100, whole=True),
    "skip": Range(0, 100, whole=True),
    "most_nearest": Range(1, 100, whole=True),
    "most_skip": Range(0, 100, whole=True),
    "history": Range(1, 100, whole=True),
    "max_age_days": Range(0, 36_500, above=True),
    "half_life_days": Range(0, 36_500, above=True),
}


def problems_of(name: str, table: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a profile, a line each: the key, what was found, what is allowed.

    Args:
        name: Of the profile.
        table: Its keys.
        defaults: Those of the keys that are left out.
    """
    if not NAME.fullmatch(name):
        yield f"[{name}]: a name of 1 to 64 letters, digits, '.', '_' and '-' is needed, not beginning with a sign"
    if "task" not in table:
        yield f"[{name}] task is missing; allowed: {_either(TASKS)}"
    for key, value in table.items():
        allowed = _allowed(key, value)
        if allowed is not None:
            yield f"[{name}] {key} = {value!r}; {allowed}"
    values = {**defaults, **table}
    for key, most in (("nearest", "most_nearest"), ("skip", "most_skip")):
        asked, bound = values[key], values[most]
        if RANGES[key].holds(asked) and RANGES[most].holds(bound) and asked > bound:
            yield f"[{name}] {key} = {asked!r}; allowed: at most {most}, which is {bound}"


def _allowed(key: str, value: object) -> str | None:
    """What would be allowed in place of a value; None where it is."""
    if key in RANGES:
        return None if RANGES[key].holds(value) else f"allowed: {RANGES[key].told}"
    if key not in _CHECKS:
        return f"no such key; allowed: {', '.join(sorted([*_CHECKS, *RANGES]))}"
    holds, allowed = _CHECKS[key]
    return None if holds(value) else f"allowed: {allowed}"


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(map(repr, names))


def _is_attribute(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _are_fallbacks(value: object) -> bool:
    return isinstance(value, list) and all(one in FALLBACKS for one in value) and len(set(value)) == len(value)


def _is_expression(value: object) -> bool:
    """Whether a value has the shape of a filter; its fields are known only to an index."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    ((operator, operand),) = value.items()
    if operator in ("and", "or"):
        return isinstance(operand, list) and bool(operand) and all(map(_is_expression, operand))
    return _is_expression(operand) if operator == "not" else operator in _OPERATORS and isinstance(operand, list)


_CHECKS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "task": (lambda value: value in TASKS, _either(TASKS)),
    "variants_by": (lambda value: value == "" or _is_attribute(value), 'the name of an attribute, or "" for none'),
    "brand": (_is_attribute, "the name of an attribute"),
    "filter": (_is_expression, f"one expression with one of {', '.join(_OPERATORS)}; see docs/design.md"),
    "fallback": (_are_fallbacks, f"a list of {_either(FALLBACKS)}, each at most once"),
}
