"""Reads the catalogue file of a release."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import fsspec

from catalogue import BadRows, Columns, Pictures, read_all
from catalogue.errors import MAX_LISTED, write_problems
from export.checking import Advance, CheckedCatalogue, Limits, check_catalogue
from export.errors import BadSource
from export.towers_file import TowersFile

CHUNK_BYTES = 1 << 20
# In the store: all problems of a catalogue that was refused, where they are too many to be shown.
BAD_ROWS = "bad-rows.jsonl"
# In the release's folder: the problems of the rows that were left out.
SKIPPED_ROWS = "skipped.jsonl"


def columns_of(towers: TowersFile, towers_path: Path, columns: Path | None) -> Columns:
    """The mapping of ``--columns``, else that of the towers file, else the default.

    Raises:
        BadColumns: Lists every problem.
    """
    if columns is not None:
        return Columns.load(columns)
    if towers.columns is not None:
        return Columns.from_table(towers.columns, source=str(towers_path))
    return Columns()


def read_checked(
    location: str,
    columns: Columns,
    limits: Limits,
    *,
    skip_bad_rows: bool,
    start: Callable[[int], Advance],
) -> CheckedCatalogue:
    """Read a catalogue file and check all of it, so that all bad rows are known before the long work begins.

    Args:
        location: The catalogue file.
        columns: Which column holds which field.
        limits: Of texts and pictures, and the fields that make a product's text.
        skip_bad_rows: Go on without bad rows.
        start: Told how many products there are, once they are known; gives what is told of each that is checked.

    Raises:
        CatalogueError: The file cannot be read, or rows are bad; lists every problem of every row.
        BadSource: No product has a field that is to make its text.
    """
    whole = read_all(location, columns)
    pictures = Pictures(location, max_bytes=limits[1].max_bytes)
    checked = check_catalogue(whole, pictures, limits, skip_bad_rows=skip_bad_rows, start=start)
    return replace(checked, sha256=_sha256(location))


@contextmanager
def all_problems_listed(path: Path) -> Iterator[None]:
    """Write the problems of ``BadRows`` to a file where they are too many to be shown, and name it in the error.

    A file that an earlier run left is removed: it tells of rows that may be mended by now.

    Raises:
        BadRows: As it came, with the file where there is one.
    """
    path.unlink(missing_ok=True)
    try:
        yield
    except BadRows as error:
        if len(error.problems) <= MAX_LISTED:
            raise
        write_problems(path, error.problems)
        raise BadRows(error.source, error.problems, listed_in=str(path)) from None


def _sha256(location: str) -> str:
    digest = hashlib.sha256()
    try:
        with fsspec.open(location, "rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise BadSource(f"{location}: cannot be read again: {error}") from error
    return digest.hexdigest()
