"""The commands that move whole catalogues: load and export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalogue.cli_shared import DEFAULT_URL, Url, errors, mistakes_told, progress
from catalogue.columns import Columns
from catalogue.errors import MAX_LISTED, BadRow, BadRows, UnreadableCatalogue, write_problems
from catalogue.reading import Catalogue, read_all

File = Annotated[str, typer.Argument(metavar="FILE", help=".jsonl, .csv, .tsv or .parquet; a path or a URL.")]
Mapping = Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Which column holds which field.")]
Replace = Annotated[bool, typer.Option("--replace", help="Remove the products that the file does not have.")]
Beside = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Beside which file the paths of pictures start.", show_default="FILE itself"),
]
Skip = Annotated[bool, typer.Option("--skip-bad-rows", help="Go on without rows that cannot become products.")]
Problems = Annotated[Path | None, typer.Option(metavar="OUT.jsonl", help="Where to list all bad rows.", dir_okay=False)]


def load(
    file: File,
    url: Url = DEFAULT_URL,
    *,
    columns: Mapping = None,
    replace: Replace = False,
    pictures: Beside = None,
    skip_bad_rows: Skip = False,
    problems: Problems = None,
) -> None:
    """Write the products of a file, all or none; makes the database where there is none.

    Products that are the same already are left alone. New and changed ones have no vectors: a served Tandem embeds them
    by itself. All paths of pictures start in one folder: a file that would move those of other products is refused.
    """
    from catalogue.database import Database, Patience
    from catalogue.database.files import came_with

    with mistakes_told() as interrupts, progress() as bar:
        reading = bar.add_task("reading", total=None)
        catalogue = _read(file, Columns() if columns is None else Columns.load(columns), skip_bad_rows, problems)
        bar.remove_task(reading)
        writing = bar.add_task("writing", total=len(catalogue.products))

        def advance(count: int) -> None:
            interrupts.check()
            bar.advance(writing, count)

        patience = Patience(check=interrupts.check)
        with Database.open(url, create=True, patience=patience) as database, interrupts.held():
            loaded = database.load(catalogue, pictures or file, replace=replace, came=came_with(file), advance=advance)
    if catalogue.skipped_rows:
        errors.print(f"{catalogue.skipped_rows:,} bad row(s) were left out")
    typer.echo(
        f"{loaded.upserted:,} written, {loaded.unchanged:,} the same already, {loaded.deleted:,} removed; "
        f"the catalogue is at {loaded.seq:,}"
    )


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=".jsonl or .parquet")], url: Url = DEFAULT_URL
) -> None:
    """Write all products to a file that `load` reads back with nothing lost but the vectors.

    Pictures that came with a product are in the file. Those that a product names by a path stay where they are.
    """
    from catalogue.database import Database
    from catalogue.database.files import export as write

    with mistakes_told(), Database.open(url) as database, database.reading() as reading, progress() as bar:
        count, location = reading.count(), reading.pictures_location()
        task = bar.add_task("writing", total=count)
        write(reading, file, lambda done: bar.advance(task, done))
    typer.echo(f"{count:,} products, as the catalogue is at {reading.seq:,}, written to {file}")
    if location is not None:
        errors.print(f"paths of pictures start beside {location}: load with --pictures {location}")


def _read(location: str, columns: Columns, skip_bad_rows: bool, listed: Path | None) -> Catalogue:
    """The products that can be kept, and all problems of the others.

    Raises:
        BadRows: There are some, and they are not to be skipped.
        UnreadableCatalogue: No product is left.
    """
    from catalogue.database import refused_rows

    whole = read_all(location, columns)
    refused = refused_rows(whole)
    found = sorted([*whole.skipped, *refused], key=lambda problem: problem.row)
    if listed is not None:
        write_problems(listed, found)
    if found and not skip_bad_rows:
        raise BadRows(location, found, listed_in=_listed_in(found, listed))
    out = {problem.row for problem in refused}
    kept = [(product, row) for product, row in zip(whole.products, whole.rows, strict=True) if row not in out]
    if not kept:
        raise UnreadableCatalogue(f"{location}: holds no product; {len(found):,} problem(s) in its rows")
    return Catalogue(location, tuple(product for product, _ in kept), tuple(row for _, row in kept), tuple(found))


def _listed_in(problems: list[BadRow], listed: Path | None) -> str | None:
    if listed is not None:
        return str(listed)
    return "the file that --problems OUT.jsonl names" if len(problems) > MAX_LISTED else None
