"""What a release knows beside its index: complementary categories and popular products."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

from ensemble.errors import DamagedRelease
from ensemble.features.categories import ancestors, path_of

Table = TypeVar("Table")


@dataclass(frozen=True)
class Complements:
    """Which categories go with a category.

    Args:
        targets: For a category those that go with it, the best first.
    """

    targets: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Complements:
        """Read ``complements.json``; no complements where there is no such file.

        Raises:
            DamagedRelease: It cannot be used; names it.
        """
        return _load(path, cls.read) or cls()

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Complements:
        """From what the file holds.

        Raises:
            TypeError: A value is not what it should be; names it.
        """
        return cls({_path(category): _targets(given) for category, given in content.items()})

    def of(self, categories: Sequence[str], most: int) -> list[str]:
        """The categories that go with some: the best of each, then the second of each.

        A category that the map does not have stands for the nearest one above it that it has.

        >>> Complements({"Kitchen": ["Food/Tea", "Home"]}).of(["Kitchen/Mugs"], 5)
        ['Food/Tea', 'Home']
        """
        known = [next((path for path in ancestors(category) if path in self.targets), None) for category in categories]
        turns = zip_longest(*(self.targets[path] for path in dict.fromkeys(known) if path is not None))
        targets = (target for turn in turns for target in turn if target is not None)
        return list(dict.fromkeys(targets))[:most]


@dataclass(frozen=True)
class Popular:
    """Popular products by category.

    Args:
        products: For a category its ids, the most popular first; the whole shop is ``""``.
    """

    products: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Popular:
        """Read ``popular.json``; nothing is popular where there is no such file.

        Raises:
            DamagedRelease: It cannot be used; names it.
        """
        return _load(path, cls.read) or cls()

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Popular:
        """From what the file holds.

        Raises:
            TypeError: A value is not what it should be; names it.
        """
        return cls({_path(category): _ids(given) for category, given in content.items()})

    def near(self, categories: Sequence[str]) -> list[str]:
        """The lists to ask: of categories themselves, of the ones above them level by level, of the whole shop.

        >>> Popular({"A": ["1"], "A/B": ["2"], "C": ["3"], "": ["1", "2"]}).near(["A/B", "C/D"])
        ['A/B', 'A', 'C', '']
        """
        lineages = [ancestors(category) for category in categories]
        depth = max(map(len, lineages), default=0)
        levels = [lines[level] for level in range(depth) for lines in lineages if level < len(lines)]
        return [path for path in dict.fromkeys([*levels, ""]) if path in self.products]


def _load(path: Path, make: Callable[[Mapping[str, Any]], Table]) -> Table | None:
    """What a JSON object in a file comes to; None where there is no such file."""
    if not path.is_file():
        return None
    try:
        return make(_object(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DamagedRelease(f"{path}: cannot be used: {error!r}") from error


def _object(text: str) -> Mapping[str, Any]:
    content = json.loads(text)
    if not isinstance(content, dict):
        raise TypeError(f"a JSON object is needed, got {content!r:.80}")
    return content


def _targets(given: Any) -> list[str]:
    if not isinstance(given, list):
        raise TypeError(f"a list of categories is needed, got {given!r:.80}")
    targets = []
    for one in given:
        category = one["category"]
        if not isinstance(category, str) or not category.strip("/ "):
            raise TypeError(f"the path of a category is needed, got {category!r:.80}")
        targets.append(_path(category))
    return targets


def _ids(given: Any) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise TypeError(f"a list of product ids is needed, got {given!r:.80}")
    return given


def _path(category: str) -> str:
    return "/".join(path_of(category))
