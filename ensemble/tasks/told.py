"""How errors and reasons quote what callers gave."""

from __future__ import annotations

from collections.abc import Sequence

_MOST_CHARACTERS = 80
_MOST_NAMES = 5


def quoted(text: str) -> str:
    """A text in quotes, shortened where it is long.

    >>> quoted("Kitchen/Mugs")
    "'Kitchen/Mugs'"
    """
    return repr(text) if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]!r}..."


def named(texts: Sequence[str]) -> str:
    """The first of some texts in quotes, and how many more there are.

    >>> named(["P1", "P2"])
    "'P1', 'P2'"
    """
    more = len(texts) - _MOST_NAMES
    return ", ".join(map(quoted, texts[:_MOST_NAMES])) + (f" and {more} more" if more > 0 else "")
