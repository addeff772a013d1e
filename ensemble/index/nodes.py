"""What a filter says, as a tree: the one form that every engine compiles from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from ensemble.index.columns import Column, Mask, Numbers, Stored
from ensemble.index.names import Names

Columns = Mapping[str, Column]


@dataclass(frozen=True)
class Equals:
    """Products whose field has a value.

    Args:
        field: Its name.
        value: As the column holds it.
    """

    field: str
    value: Any

    def mask(self, columns: Columns, slots: Numbers | None) -> Mask:
        """Which slots pass."""
        return columns[self.field].equals(self.value, slots)


@dataclass(frozen=True)
class IsIn:
    """Products whose field has one of some values.

    Args:
        field: Its name.
        values: As the column holds them.
    """

    field: str
    values: tuple[Any, ...]

    def mask(self, columns: Columns, slots: Numbers | None) -> Mask:
        """Which slots pass."""
        return columns[self.field].is_in(self.values, slots)


@dataclass(frozen=True)
class Within:
    """Products whose number lies in a range.

    Args:
        field: Its name.
        low: The least; ``-inf`` is open.
        high: The most; ``inf`` is open.
    """

    field: str
    low: float
    high: float

    def mask(self, columns: Columns, slots: Numbers | None) -> Mask:
        """Which slots pass."""
        return stored(columns, self.field).within(self.low, self.high, slots)


@dataclass(frozen=True)
class Under:
    """Products whose category is one, or lies below it.

    Args:
        path: The category, without slashes around it.
    """

    path: str
    _codes: list[int] = field(default_factory=list, compare=False, repr=False)
    _seen: list[int] = field(default_factory=lambda: [0], compare=False, repr=False)

    def codes(self, words: Names) -> list[int]:
        """Codes of the categories that pass; each word of a growing vocabulary is looked at once."""
        first, self._seen[0] = self._seen[0], len(words)
        for code, word in enumerate(words.since(first), first):
            if word == self.path or word.startswith(f"{self.path}/"):
                self._codes.append(code)
        return self._codes

    def mask(self, columns: Columns, slots: Numbers | None) -> Mask:
        """Which slots pass."""
        column = stored(columns, "category")
        return column.coded_in(self.codes(column.words), slots)


@dataclass(frozen=True)
class And:
    """Products that pass every part.

    Args:
        parts: One or more.
    """

    parts: tuple[Node, ...]

    def mask(self, columns: Columns, slots: Numbers | None) -> Mask:
        """Which slots pass."""
        return reduce(np.logical_and, (part.mask(columns, slots) for part in self.parts))


@dataclass(frozen=True)
class Or:
    """Products that pass some part.

    Args:
        parts: One or more.
    """

    parts: tuple[Node, ...]

    def mask(self, columns: Columns, slots: Numbers | None) -> Mask:
        """Which slots pass."""
        return reduce(np.logical_or, (part.mask(columns, slots) for part in self.parts))


@dataclass(frozen=True)
class Not:
    """Products that do not pass.

    Args:
        part: What they do not pass.
    """

    part: Node

    def mask(self, columns: Columns, slots: Numbers | None) -> Mask:
        """Which slots pass."""
        mask: Mask = np.logical_not(self.part.mask(columns, slots))
        return mask


Node: TypeAlias = Equals | IsIn | Within | Under | And | Or | Not


def stored(columns: Columns, name: str) -> Stored:
    """A column that has values of its own: any but the ids."""
    column = columns[name]
    if not isinstance(column, Stored):
        raise TypeError(f"{name!r} has no values of its own")
    return column
