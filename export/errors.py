"""What can go wrong while a release is made.

    ExportError
    ├── BadTowers    towers.toml is not valid; lists every problem
    ├── BadSource    a tower's source cannot be loaded, or is not what a tower needs
    ├── StoreBusy    another export works in the same store
    └── GateFailed   a figure of the release is out of its bound

The first three are for the user to mend; ``GateFailed`` says that the release itself is not good enough.
"""

from __future__ import annotations

from collections.abc import Sequence


class ExportError(Exception):
    """Root of all errors raised by ``export``."""


class BadTowers(ExportError):
    """A towers file that is not valid.

    Args:
        source: The file.
        problems: One line a problem: field, value, what is allowed.
    """

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([f"{source}: {len(self.problems)} problem(s)", *(f"  {line}" for line in problems)]))


class BadSource(ExportError):
    """A tower's source cannot be used; the message names it and says what is needed."""


class StoreBusy(ExportError):
    """Another export holds the store."""


class GateFailed(ExportError):
    """A figure is out of its bound.

    Args:
        figure: Name of the figure.
        value: What was measured.
        bound: What it must not exceed.
        worst: The inputs that did worst, as a reader knows them.
    """

    def __init__(self, figure: str, value: float, bound: float, worst: Sequence[str]) -> None:
        self.figure, self.value, self.bound, self.worst = figure, value, bound, tuple(worst)
        head = f"{figure} is {value:.3g}; at most {bound:.3g} is allowed. Worst inputs:"
        super().__init__("\n".join([head, *(f"  {one}" for one in worst)]))
