"""Categories as ids: one for each known path, and the nearest known ancestor for a path that is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

NO_CATEGORY = 0
# Deeper levels are not told apart: the work for a path grows with the square of its levels.
MOST_LEVELS = 16


def path_of(category: str | None) -> tuple[str, ...]:
    """Levels of a category path, from the root, at most ``MOST_LEVELS``; empty where there is none.

    >>> path_of(" Kitchen / Mugs ")
    ('Kitchen', 'Mugs')
    """
    levels = (level.strip() for level in (category or "").split("/"))
    return tuple(islice((level for level in levels if level), MOST_LEVELS))


def ancestors(category: str | None) -> list[str]:
    """The category and its ancestors, deepest first.

    >>> ancestors("Kitchen/Mugs/Tall")
    ['Kitchen/Mugs/Tall', 'Kitchen/Mugs', 'Kitchen']
    """
    path = path_of(category)
    return ["/".join(path[:depth]) for depth in range(len(path), 0, -1)]


@dataclass(frozen=True)
class CategoryTable:
    """Ids of the categories that a tower knows.

    Args:
        categories: Paths whose levels are joined by ``/``; the id of each is its place, counted from 1. The id 0 stands
            for a category that is absent or of which no level is known.
        levels: How many levels of a path are told apart.
    """

    categories: tuple[str, ...]
    levels: int
    _ids: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ids", {path: place for place, path in enumerate(self.categories, start=1)})

    def __len__(self) -> int:
        return len(self.categories) + 1

    def known(self, category: str | None) -> str:
        """The deepest known level of a category, as a path; empty where none is known."""
        return next((path for path in ancestors(category) if path in self._ids), "")

    def ids(self, category: str | None) -> list[int]:
        """Ids of the levels of one category, ``levels`` of them.

        A level that is not known, or that the path does not have, has the id of the level above it: an unknown kind of
        mug is still a mug, and the category "Kitchen" stands for itself at every depth.
        """
        found, path = [NO_CATEGORY], path_of(category)
        for depth in range(1, self.levels + 1):
            level = "/".join(path[:depth]) if depth <= len(path) else ""
            found.append(self._ids.get(level, found[-1]))
        return found[1:]

    def table(self) -> NDArray[np.int64]:
        """``(categories + 1, levels)``: the ids of every known category's levels, the first row for none."""
        return self.of(("", *self.categories))

    def of(self, categories: Sequence[str | None]) -> NDArray[np.int64]:
        """``(categories, levels)``: the ids of each category's levels."""
        return np.array([self.ids(category) for category in categories], np.int64).reshape(-1, self.levels)
