"""The profiles of a release, and their file, ``tasks.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble.errors import InvalidInput
from ensemble.index.filter import parse_filter
from ensemble.index.nodes import Columns
from ensemble.tasks.errors import BadProfiles
from ensemble.tasks.names import TASKS
from ensemble.tasks.profile import DEFAULTS, Profile
from ensemble.tasks.profile_checks import problems_of
from ensemble.tasks.told import quoted
from ensemble.tasks.view import ROOM

DEFAULT_TASKS = Path(__file__).with_name(TASKS)
MOST_PROFILES = 200
_SHOWN = 20


@dataclass(frozen=True)
class Profiles:
    """All profiles of a release.

    Args:
        by_name: At least one.
    """

    by_name: Mapping[str, Profile]

    def __post_init__(self) -> None:
        if not self.by_name:
            raise ValueError("at least one profile is needed")

    @classmethod
    def load(cls, path: Path | None = None) -> Profiles:
        """Read a file of profiles.

        Args:
            path: TOML; None for the ``tasks.toml`` beside this module.

        Raises:
            BadProfiles: It cannot be read, or keys are unknown or not allowed; lists every problem.
        """
        path = DEFAULT_TASKS if path is None else path
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadProfiles(str(path), [f"cannot be read: {error}"]) from error
        return cls.parse(text, file=str(path))

    @classmethod
    def parse(cls, text: str, *, file: str = TASKS) -> Profiles:
        r"""Read profiles from the text of a file.

        >>> Profiles.parse('[basket]\ntask = "complement"\ncategories = 3').by_name["basket"].categories
        3

        Raises:
            BadProfiles: See ``load``.
        """
        try:
            content = tomllib.loads(text)
        except ValueError as error:
            raise BadProfiles(file, [f"not TOML: {error}"]) from error
        problems = list(_problems(content))
        if problems:
            raise BadProfiles(file, problems)
        return cls({name: _profile(name, table) for name, table in content.items()})

    def get(self, name: str) -> Profile:
        """The profile of a name.

        Raises:
            InvalidInput: There is none; lists those that there are.
        """
        profile = self.by_name.get(name)
        if profile is None:
            more = len(self.by_name) - _SHOWN
            known = ", ".join(list(self.by_name)[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
            raise InvalidInput("TASK", f"{quoted(name)} is no profile of this release; its profiles are {known}")
        return profile

    def check(self, columns: Columns, *, file: str = TASKS) -> None:
        """Compile the filters of all profiles against a catalogue.

        Args:
            columns: The fields of the catalogue.
            file: How errors call the profiles.

        Raises:
            BadProfiles: A filter asks for a field that does not exist, or for a value of the wrong type; lists all.
        """
        problems = []
        for name, profile in self.by_name.items():
            try:
                parse_filter(profile.filter_text, columns, name="filter", limits=ROOM)
            except InvalidInput as error:
                problems.append(f"[{name}] {error}")
        if problems:
            raise BadProfiles(file, problems)


def _problems(content: Mapping[str, Any]) -> Iterator[str]:
    if not content:
        yield "no profile; at least one table such as [similar] is needed"
    if len(content) > MOST_PROFILES:
        yield f"{len(content)} profiles; at most {MOST_PROFILES} are allowed"
    for name, table in content.items():
        if isinstance(table, dict):
            yield from problems_of(name, table, DEFAULTS)
        else:
            yield f"{name} = {table!r} stands outside of every profile; a table such as [{name}] is needed"


def _profile(name: str, table: dict[str, Any]) -> Profile:
    fallback = {"fallback": tuple(table["fallback"])} if "fallback" in table else {}
    return Profile(**{"name": name, **table, **fallback})
