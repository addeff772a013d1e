"""What can go wrong with the file of profiles.

EnsembleError (of `ensemble.errors`)
└── BadProfiles      the file of profiles cannot be used; lists every problem
"""

from __future__ import annotations

from collections.abc import Sequence

from ensemble.errors import EnsembleError


class BadProfiles(EnsembleError):
    """The file of profiles cannot be used.

    Args:
        file: Its path, or how it is called.
        problems: Each with the profile and the key, what was found and what is allowed.
    """

    def __init__(self, file: str, problems: Sequence[str]) -> None:
        self.file, self.problems = file, tuple(problems)
        super().__init__("\n".join([f"{file} cannot be used:", *(f"  {problem}" for problem in problems)]))
