"""What can go wrong while a catalogue is read, or its database is used.

CatalogueError
├── UnreadableCatalogue      the file is missing, of an unknown format, or not readable as its format
├── BadColumns               the column mapping is not valid; lists every problem
├── BadRows                  rows that cannot become products; lists them
├── UnreadablePicture        a product's picture cannot be read, or lies outside the catalogue's folder
├── UnwritableFile           an export, or a list of problems, cannot be written
├── BadEntry                 a write that is refused: an upsert, a patch, an id, a vector or a space
│   ├── UnknownProduct       a patch of a product that is not there
│   └── UnknownSpace         a vector of a space that is not registered
├── NotWritten               nothing is wrong with it, but it was to be written together with one that is refused
└── DatabaseError            the catalogue's database
    ├── DatabaseMissing      there is none; says how to make one
    ├── DatabaseUnusable     not a catalogue, another one than expected, or of another version
    ├── DatabaseUnavailable  it cannot be reached, or others hold it for too long: try again
    ├── WriteFailed          it cannot be written, as its disk is full; nothing of the write is kept
    └── JournalTrimmed       the journal does not tell what changed since the asked number

Every message names the file, the row or the field, shows what was found, and says what is allowed. None shows the
password of a database.
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


class UnwritableFile(CatalogueError):
    """A file cannot be written; what stood there before is untouched."""


class DatabaseError(CatalogueError):
    """Root of the errors of the catalogue's database itself."""


class DatabaseMissing(DatabaseError):
    """There is no catalogue database at this address."""


class DatabaseUnusable(DatabaseError):
    """What is there is no catalogue of this version, or another catalogue than expected."""


class DatabaseUnavailable(DatabaseError):
    """It cannot be reached, or others hold it for too long; the same call may succeed later."""


class WriteFailed(DatabaseError):
    """A write was rolled back as a whole: the disk is full, or the database is not to be written."""


class JournalTrimmed(DatabaseError):
    """The journal cannot tell what changed since a number; its reader has to begin with everything."""


class BadEntry(CatalogueError):
    """A write that is refused, with every reason.

    Args:
        subject: What it was about, as in ``product 'A1'``.
        problems: One a field: what was found, what is allowed.
    """

    def __init__(self, subject: str, problems: Sequence[str]) -> None:
        self.subject, self.problems = subject, tuple(problems)
        super().__init__(f"{subject}: " + "; also ".join(self.problems))


class UnknownProduct(BadEntry):
    """A patch of a product that is not in the catalogue."""


class UnknownSpace(BadEntry):
    """A vector of a space that is not registered, or was forgotten."""


class NotWritten(CatalogueError):
    """A write that was fine, but was to be made only together with others, and one of them was refused."""


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
    """Write problems as JSON lines of ``row``, ``field``, ``value`` and ``allowed``.

    Raises:
        UnwritableFile: It cannot be written.
    """
    try:
        path.write_text("".join(json.dumps(asdict(problem)) + "\n" for problem in problems), "utf-8")
    except OSError as error:
        raise UnwritableFile(f"{path}: cannot be written: {error.strerror or error}") from error


def listed(lines: Sequence[str], limit: int = MAX_LISTED) -> str:
    """The first ``limit`` lines, indented, and how many more there are."""
    shown = [f"  {line}" for line in lines[:limit]]
    if len(lines) > limit:
        shown.append(f"  ... and {len(lines) - limit:,} more")
    return "\n".join(shown)


def shown(value: object) -> str:
    """A value as an error shows it: its literal, shortened."""
    try:
        text = repr(value)
    except ValueError:  # a whole number of too many digits
        text = f"{type(value).__name__} of too many digits"
    return text if len(text) <= MAX_SHOWN_CHARS else text[:MAX_SHOWN_CHARS] + "..."


def plain(name: object) -> str:
    """The name of a field as an error shows it: without quotes, but shortened and escaped like a value."""
    return shown(name).strip("'\"")
