"""What can go wrong with watching.

DeployError (of `deploy.errors`)
└── WatchError       root of these
    ├── BadBounds    the file of bounds cannot be used; lists every problem
    ├── BadQuestions the questions with known answers cannot be used; lists every problem
    └── NoMetrics    the server's metrics cannot be read just now
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deploy.errors import DeployError


class WatchError(DeployError):
    """Root of all errors raised by ``deploy.watching``."""


class _BadFile(WatchError):
    """A file with problems.

    Args:
        path: The file.
        problems: Each with the field or the line, what was found and what is allowed.
    """

    def __init__(self, path: Path, problems: Sequence[str]) -> None:
        self.path, self.problems = path, tuple(problems)
        super().__init__("\n".join([f"{path} cannot be used:", *(f"  {problem}" for problem in problems)]))


class BadBounds(_BadFile):
    """The file of bounds cannot be used."""


class BadQuestions(_BadFile):
    """The questions with known answers cannot be used."""


class NoMetrics(WatchError):
    """The server's metrics cannot be read just now."""
