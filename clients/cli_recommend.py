"""``python -m clients recommend``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from clients.cli_inputs import read_history, read_liked, read_object
from clients.cli_shared import (
    DEFAULT_URL,
    AsJson,
    Count,
    Filter,
    Image,
    Images,
    Key,
    MinSeq,
    OnlyCanary,
    Sheet,
    TimeoutS,
    Url,
    mistakes_told,
)
from clients.client import TIMEOUT_S, Client
from clients.errors import BadInput
from clients.recommendations import Recommend
from clients.tensors import image_bytes
from clients.values import Query, Result

Products = Annotated[
    list[str] | None,
    typer.Option("--product", "-p", metavar="ID[:WEIGHT]", help="For what; a negative weight: not like this one."),
]
HistoryFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="For what, in a file: JSON lines or .csv with product, time, weight.", dir_okay=False
    ),
]
Task = Annotated[str, typer.Option(metavar="PROFILE", help="What is wanted: a profile of the release.")]
Seen = Annotated[list[str] | None, typer.Option("--seen", metavar="ID", help="Not this one.")]
Categories = Annotated[
    list[str] | None, typer.Option("--category", metavar="PATH", help="Complement with products of it.")
]
Nearest = Annotated[int | None, typer.Option(metavar="N", help="inspire: look into so many clusters ...")]
Skip = Annotated[int | None, typer.Option(metavar="L", help="... and leave out so many nearest ones.")]
Diversity = Annotated[float | None, typer.Option(metavar="X", help="How much they differ: 0 to 1.")]
PerCategory = Annotated[int | None, typer.Option(metavar="N", help="At most so many of a category; 0: any number.")]
PerBrand = Annotated[int | None, typer.Option(metavar="N", help="At most so many of a brand; 0: any number.")]
New = Annotated[
    str | None,
    typer.Option(metavar="FILE.json", help="For a product that is not in the catalogue; - for stdin. See --image."),
]


def recommend(  # noqa: PLR0913 - one argument an option
    *,
    product: Products = None,
    history: HistoryFile = None,
    new: New = None,
    image: Image = None,
    task: Task = "similar",
    k: Count = 10,
    filter: Filter = None,  # noqa: A002 - the option's name
    seen: Seen = None,
    category: Categories = None,
    nearest: Nearest = None,
    skip: Skip = None,
    diversity: Diversity = None,
    per_category: PerCategory = None,
    per_brand: PerBrand = None,
    min_seq: MinSeq = None,
    key: Key = None,
    canary: OnlyCanary = False,
    url: Url = DEFAULT_URL,
    timeout_s: TimeoutS = TIMEOUT_S,
    as_json: AsJson = False,
    sheet: Sheet = None,
    images: Images = Path(),
) -> None:
    """Find what goes with some products, or with a product that is not in the catalogue yet.

    Example: python -m clients recommend --task complement --product M1 --product M2:-0.5
    """
    with mistakes_told():
        products, times = _asked_about(product or [], history)
        described = None if new is None else read_object("--new", new)
        query = Recommend(
            products, times, task, k, filter, tuple(seen or ()), tuple(category or ()), nearest, skip, diversity,
            per_category, per_brand, min_seq, described, None if image is None else image_bytes(image), key,
        )  # fmt: skip
        with Client(url, timeout_s=timeout_s, canary="only" if canary else "auto") as client:
            answer = client.recommend_many([query])[0]
            shown = [] if sheet is None else _look_up(client, query)
        if sheet is not None:
            from clients.recommend_sheet import recommendations_sheet
            from clients.sheet import write_sheet

            write_sheet(sheet, recommendations_sheet(query, shown, answer, images))
            typer.echo(f"wrote {sheet}", err=True)
    if as_json:
        typer.echo(json.dumps(answer.to_dict()))
    else:
        from clients.table import recommendations_table

        Console().print(recommendations_table(answer))


def _asked_about(products: Sequence[str], history: Path | None) -> tuple[list[tuple[str, float]], list[int]]:
    """The products and their times, from the options or from the file.

    Raises:
        BadInput: Both are given, or what is given cannot be read.
    """
    if history is None:
        return read_liked(products), []
    if products:
        raise BadInput("--product and --history: give one of the two")
    return read_history(history)


def _look_up(client: Client, query: Recommend) -> list[Result]:
    """The first products of a question as the catalogue has them; of one that it lacks, the id alone."""
    from clients.recommend_sheet import MOST_ASKED

    ids = [name for name, _ in query.weighted[:MOST_ASKED]]
    if not ids:
        return []
    # A search that only these can pass: its text is of no account
    found = client.search_many([Query("product", k=len(ids), filter={"in": ["id", ids]})])[0]
    known = {result.id: result for result in found.results}
    return [known.get(name, Result(name, 0.0)) for name in ids]
