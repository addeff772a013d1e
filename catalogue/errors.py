"""What can go wrong while a catalogue is read.

CatalogueError
├── UnreadableCatalogue   the file is missing, of an unknown format, or not readable as its format
├── BadColumns            the column mapping is not valid; lists every problem
├── BadRows               rows that cannot become products; lists them
└── UnreadablePicture     a product's picture cannot be read, or lies outside the catalogue's folder

Every message names the file or the row, shows what was found, and says what is allowed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

MAX_LISTED = 20
MAX_SHOWN_CHARS = 80


class CatalogueError(Exception):
    """Root of all errors raised by ``catalogue``."""


class UnreadableCatalogue(CatalogueError):
    """The catalogue file itself cannot be used; the message names it and says what is allowed."""


class UnreadablePicture(CatalogueError):
    """A picture cannot be read, or its path leaves the catalogue's folder."""


class BadColumns(CatalogueError):
    """A column mapping that is not valid.

    Args:
        source: The file that it came from.
        problems: One line a problem: field, value, what is allowed.
    """

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{source}: {len(self.problems)} problem(s) in the column mapping\n" + listed(self.problems))


@dataclass(frozen=True)
class BadRow:
    """One reason why one row cannot become a product.

    Args:
        row: As an editor counts: the line of a JSONL file, the record of a Parquet file from 1, the row of a CSV file
            where the header is row 1.
        field: Field of the product, or ``row`` where the whole row is at fault.
        value: What was found, shortened.
        allowed: What is allowed.
    """

    row: int
    field: str
    value: str
    allowed: str

    def __str__(self) -> str:
        return f"row {self.row}: {self.field} = {self.value}; allowed: {self.allowed}"


class BadRows(CatalogueError):
    """Rows that cannot become products.

    Args:
        source: The catalogue.
        problems: All of them, in the order of the rows.
        listed_in: A file that lists all of them, where they are too many to be shown.
    """

    def __init__(self, source: str, problems: Sequence[BadRow], *, listed_in: str | None = None) -> None:
        self.source, self.problems = source, tuple(problems)
        rows = len({problem.row for problem in self.problems})
        where = "" if listed_in is None else f"\nAll {len(self.problems):,} problems are listed in {listed_in}"
        shown_problems = listed([str(problem) for problem in self.problems])
        super().__init__(f"{source}: {rows:,} bad row(s)\n{shown_problems}{where}")


def write_problems(path: Path, problems: Sequence[BadRow]) -> None:
    """Write problems as JSON lines of ``row``, ``field``, ``value`` and ``allowed``."""
    path.write_text("".join(json.dumps(asdict(problem)) + "\n" for problem in problems), "utf-8")


def listed(lines: Sequence[str], limit: int = MAX_LISTED) -> str:
    """The first ``limit`` lines, indented, and how many more there are."""
    shown = [f"  {line}" for line in lines[:limit]]
    if len(lines) > limit:
        shown.append(f"  ... and {len(lines) - limit:,} more")
    return "\n".join(shown)


def shown(value: object) -> str:
    """A value as an error shows it: its literal, shortened."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN_CHARS else text[:MAX_SHOWN_CHARS] + "..."
