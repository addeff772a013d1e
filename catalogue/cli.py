"""``python -m catalogue``: the product database on the command line.

Exit codes: 0 done; 1 the database failed; 2 the caller's mistake; 3 no database, or it cannot be reached;
130 stopped by Ctrl-C, with nothing written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from catalogue.cli_files import export, load
from catalogue.cli_shared import DEFAULT_URL, MISTAKE, AsJson, Url, errors, mistakes_told, objects, refuse, tell
from catalogue.errors import BadEntry, CatalogueError, plain

T = TypeVar("T")

MAX_NUMBER = 2**63 - 1  # what a database counts to

app = typer.Typer(
    help=(
        "The products of a shop: load, change, look at and export them. Products that are written here have no "
        "vectors: a served Tandem that follows the catalogue embeds them by itself."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(load)
app.command()(export)

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Products.")]


@app.command()
def init(url: Url = DEFAULT_URL) -> None:
    """Make an empty catalogue, where there is none."""
    from catalogue.database import Database

    with mistakes_told(), Database.open(url, create=True) as database:
        typer.echo(f"{database.url_shown} is catalogue {database.catalogue_id}, at {database.head():,}")


@app.command()
def upsert(
    product: Annotated[str | None, typer.Argument(metavar="[JSON]", help="One product; else a line each.")] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Write products, all or none: one JSON object, or one a line of standard input.

    They have no vectors: a served Tandem embeds them by itself, and finds them from then on.
    """
    from catalogue.database import Database, Entry, Patience, parse_product

    with mistakes_told() as interrupts, Database.open(url, patience=Patience(check=interrupts.check)) as database:
        entries = [Entry(made) for made in _parsed(objects(product), parse_product)]
        with interrupts.held():
            written = database.upsert(entries, whole=True)
            _tell_written([entry.product.id for entry in entries], written)


@app.command()
def patch(
    changes: Annotated[
        str | None, typer.Argument(metavar="[JSON]", help='{"id", "price", "available", "attributes"}')
    ] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Change prices, availability and attributes, all or none; null removes an attribute. Vectors stay as they are."""
    from catalogue.database import Database, Patience, parse_patch

    with mistakes_told() as interrupts, Database.open(url, patience=Patience(check=interrupts.check)) as database:
        patches = _parsed(objects(changes), parse_patch)
        with interrupts.held():
            _tell_written([one.id for one in patches], database.patch(patches, whole=True))


@app.command()
def delete(ids: Ids, url: Url = DEFAULT_URL) -> None:
    """Remove products with their vectors."""
    from catalogue.database import Database, Patience

    with mistakes_told() as interrupts, Database.open(url, patience=Patience(check=interrupts.check)) as database:
        with interrupts.held():
            results = database.delete(ids)
        for product_id, deleted in zip(ids, results, strict=True):
            tell(id=product_id, seq=deleted.seq, found=deleted.found)


@app.command()
def get(ids: Ids, url: Url = DEFAULT_URL) -> None:
    """Print products as JSON, one a line; exit code 2 where one is not there."""
    from catalogue.database import Database

    with mistakes_told(), Database.open(url) as database:
        found = database.stored(ids)
    for stored in found:
        tell(**stored.product.as_dict())
    missing = sorted(set(ids) - {stored.product.id for stored in found})
    if missing:
        errors.print(f"error: no such product: {', '.join(missing)}")
        raise typer.Exit(MISTAKE)


@app.command()
def status(url: Url = DEFAULT_URL, *, as_json: AsJson = False) -> None:
    """Tell how many products there are, their columns, spaces and journal."""
    from catalogue.database import Database
    from catalogue.database.status import status_of

    with mistakes_told(), Database.open(url) as database:
        told = status_of(database)
    if as_json:
        tell(**told)
        return
    table = Table(show_header=False)
    for name, value in told.items():
        lines = [f"{key}: {one}" for key, one in value.items()] if isinstance(value, dict) else [str(value)]
        table.add_row(name.replace("_", " "), "\n".join(lines))
    Console().print(table)


@app.command()
def journal(
    url: Url = DEFAULT_URL,
    *,
    after: Annotated[int, typer.Option(metavar="N", help="Entries after this number.", min=0, max=MAX_NUMBER)] = 0,
    limit: Annotated[int, typer.Option(metavar="COUNT", help="At most so many.", min=1, max=MAX_NUMBER)] = 100,
) -> None:
    """Print the journal as JSON, one entry a line, the oldest first."""
    from catalogue.database import Database

    with mistakes_told(), Database.open(url) as database, database.reading() as reading:
        for entry in reading.entries(after, limit):
            tell(seq=entry.seq, at=entry.at, kind=entry.kind, id=entry.product_id, space=entry.space_id)


@app.command()
def trim(
    before: Annotated[
        int, typer.Argument(metavar="N", help="Forget entries up to this number.", min=0, max=MAX_NUMBER)
    ],
    url: Url = DEFAULT_URL,
    *,
    force: Annotated[bool, typer.Option("--force", help="Forget them all, if N says so.")] = False,
) -> None:
    """Forget the journal's beginning.

    An index or a snapshot that stands before it, as of a server that is stopped, begins anew from the whole database.
    To forget everything up to the present strands all that do not stand there, and needs --force.
    """
    from catalogue.database import Database

    with mistakes_told() as interrupts, Database.open(url) as database, interrupts.held():
        if before >= database.head() and not force:
            raise BadEntry(
                f"trim {before:,}", [f"allowed: below {database.head():,}, where the catalogue is; or --force"]
            )
        typer.echo(f"the journal begins after {database.trim(before):,}")


@app.command()
def forget(
    space_id: Annotated[str, typer.Argument(metavar="SPACE_ID", help="As `status` tells it.")], url: Url = DEFAULT_URL
) -> None:
    """Remove all vectors of a space that no release serves any more.

    Of a space that is still served nothing is lost for good: products that are written make it known again, and all
    others are embedded anew, which takes its time. Until then a server that starts without a snapshot finds none.
    """
    from catalogue.database import Database

    with mistakes_told() as interrupts, Database.open(url) as database, interrupts.held():
        if not database.forget(space_id):
            raise BadEntry(
                f"space {plain(space_id)}", [f"allowed: {', '.join(database.spaces()) or 'none is registered'}"]
            )
    typer.echo(f"space {space_id} is gone")


def _parsed(told: Sequence[str | bytes], parse: Callable[[str | bytes], T]) -> list[T]:
    """Every object, or the mistakes of all."""
    made, problems = [], []
    for number, text in enumerate(told, start=1):
        try:
            made.append(parse(text))
        except BadEntry as error:
            problems.append(f"line {number}: {error}" if len(told) > 1 else str(error))
    if problems:
        refuse(problems)
    return made


def _tell_written(ids: Sequence[str], results: Sequence[int | CatalogueError]) -> None:
    problems = [str(result) for result in results if isinstance(result, BadEntry)]
    if problems:
        refuse(problems)
    for product_id, seq in zip(ids, results, strict=True):
        tell(id=product_id, seq=seq)
