"""Reads a catalogue: rows one at a time, or all products with all their problems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from catalogue.columns import Columns
from catalogue.errors import BadColumns, BadRow, BadRows, UnreadableCatalogue, shown
from catalogue.formats import rows
from catalogue.product import Product
from catalogue.rows import product

DEFAULT_COLUMNS = Columns()


@dataclass(frozen=True)
class Catalogue:
    """The products of a catalogue file.

    Args:
        location: Where it was read from.
        products: In the order of the file.
        rows: Row of each product, as ``BadRow.row`` counts.
        skipped: Problems of the rows that were left out.
    """

    location: str
    products: tuple[Product, ...]
    rows: tuple[int, ...]
    skipped: tuple[BadRow, ...] = ()

    @property
    def skipped_rows(self) -> int:
        """How many rows were left out; one row may have several problems."""
        return len({problem.row for problem in self.skipped})


def iter_rows(location: str, columns: Columns = DEFAULT_COLUMNS) -> Iterator[tuple[int, Product | list[BadRow]]]:
    """Each row's number with its product or its problems, streamed. A second row with a known id is bad.

    Raises:
        UnreadableCatalogue: The file cannot be read at all.
        BadColumns: At the end, when no row had a column that the mapping names.
    """
    seen: dict[str, int] = {}
    unmet = columns.named()
    for number, cells in rows(location):
        if isinstance(cells, BadRow):
            yield number, [cells]
            continue
        unmet = unmet and {column: entry for column, entry in unmet.items() if column not in cells}
        made = product(number, cells, columns)
        if isinstance(made, Product):
            first = seen.setdefault(made.id, number)
            if first != number:
                made = [BadRow(number, "id", shown(made.id), f"an id that no other row has; row {first} has it")]
        yield number, made
    if unmet:
        raise BadColumns(location, [f"{entry} = {column!r}; no row has this column" for column, entry in unmet.items()])


def read(location: str, columns: Columns = DEFAULT_COLUMNS, *, skip_bad_rows: bool = False) -> Catalogue:
    """Read a whole catalogue.

    Args:
        location: JSONL, CSV, TSV or Parquet: a path, or a URL that fsspec knows.
        columns: Which column holds which field.
        skip_bad_rows: Go on without bad rows; they are listed in ``Catalogue.skipped``.

    Raises:
        UnreadableCatalogue: The file cannot be read at all, or holds no product.
        BadColumns: No row has a column that the mapping names.
        BadRows: Lists every problem of every row.
    """
    catalogue = read_all(location, columns)
    if catalogue.skipped and not skip_bad_rows:
        raise BadRows(location, catalogue.skipped)
    if not catalogue.products:
        raise UnreadableCatalogue(f"{location}: holds no product; {len(catalogue.skipped):,} problem(s) in its rows")
    return catalogue


def read_all(location: str, columns: Columns = DEFAULT_COLUMNS) -> Catalogue:
    """As ``read``, but bad rows are never raised: who goes on to check pictures reports them all at once.

    Raises:
        UnreadableCatalogue: The file cannot be read at all.
        BadColumns: No row has a column that the mapping names.
    """
    products: list[Product] = []
    numbers: list[int] = []
    problems: list[BadRow] = []
    for number, made in iter_rows(location, columns):
        if isinstance(made, Product):
            products.append(made)
            numbers.append(number)
        else:
            problems += made
    return Catalogue(location, tuple(products), tuple(numbers), tuple(problems))
