"""``python -m clients``: search, recommend, embed, write to the catalogue, and ask whether a server is ready.

Exit codes: 0 done; 1 the server failed; 2 the caller's mistake; 3 no server, not ready, or no answer in time;
130 stopped by Ctrl-C.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from clients.cli_inputs import read_weights
from clients.cli_recommend import recommend
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
from clients.cli_writes import delete, patch, upsert
from clients.client import TIMEOUT_S, Client
from clients.errors import BadInput, NoServer
from clients.tensors import image_bytes
from clients.values import Query

app = typer.Typer(
    help="Search a Tandem server by text, by photo, or by both, ask it for recommendations, write to its catalogue.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Text = Annotated[str | None, typer.Option("--text", "-t", metavar="TEXT", help="What to look for, in words.")]
Weights = Annotated[
    str | None,
    typer.Option(metavar="TEXT,IMAGE", help="How much each counts, as in 0.7,0.3. A negative one: less like this."),
]
Rank = Annotated[
    str | None, typer.Option(metavar="SCORE", help="Choose and order by it, as in 'similarity - 0.01 * price'.")
]


@app.command()
def search(  # noqa: PLR0913 - one argument an option
    *,
    text: Text = None,
    image: Image = None,
    weights: Weights = None,
    k: Count = 10,
    filter: Filter = None,  # noqa: A002 - the option's name
    rank: Rank = None,
    min_seq: MinSeq = None,
    key: Key = None,
    canary: OnlyCanary = False,
    url: Url = DEFAULT_URL,
    timeout_s: TimeoutS = TIMEOUT_S,
    as_json: AsJson = False,
    sheet: Sheet = None,
    images: Images = Path(),
) -> None:
    """Find the products nearest to a text, a photo, or both."""
    with mistakes_told():
        photo = None if image is None else image_bytes(image)
        query = Query(text, photo, None if weights is None else read_weights(weights), k, filter, min_seq, rank, key)
        with Client(url, timeout_s=timeout_s, canary="only" if canary else "auto") as client:
            answer = client.search_many([query])[0]
        if sheet is not None:
            from clients.sheet import contact_sheet, write_sheet

            write_sheet(sheet, contact_sheet(query, answer, images))
            typer.echo(f"wrote {sheet}", err=True)
    if as_json:
        typer.echo(json.dumps(answer.to_dict()))
    else:
        from clients.table import answer_table

        Console().print(answer_table(answer))


@app.command()
def embed(
    *,
    text: Text = None,
    image: Image = None,
    url: Url = DEFAULT_URL,
    timeout_s: TimeoutS = TIMEOUT_S,
    as_json: AsJson = False,
) -> None:
    """Print the vector of a text or a photo."""
    with mistakes_told(), Client(url, timeout_s=timeout_s) as client:
        if text is not None and image is None:
            vector = client.embed_text(text)
        elif image is not None and text is None:
            vector = client.embed_image(image)
        else:
            raise BadInput("--text and --image: give one of the two")
    if as_json:
        typer.echo(json.dumps({"dim": len(vector), "vector": vector.tolist()}))
    else:
        typer.echo(" ".join(f"{value:.6f}" for value in vector))


@app.command()
def ready(*, url: Url = DEFAULT_URL, timeout_s: TimeoutS = TIMEOUT_S) -> None:
    """Tell whether the server has its search models loaded; exit code 0 if so, else 3."""
    with mistakes_told(), Client(url, timeout_s=timeout_s) as client:
        if not client.ready():
            raise NoServer(f"{client.address} is not ready")
    typer.echo(f"{client.address} is ready")


for command in (recommend, upsert, patch, delete):
    app.command()(command)
