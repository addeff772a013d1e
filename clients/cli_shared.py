"""What the commands share: options, exit codes, and how an error is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from clients.errors import (
    BadInput,
    BadSetting,
    Behind,
    NoCanary,
    NoServer,
    NotServed,
    NotTrusted,
    QueueFull,
    TandemError,
    Timeout,
    Unavailable,
)

FAILED, MISTAKE, UNAVAILABLE = 1, 2, 3
DEFAULT_URL = "grpc://localhost:8001"

# The first class that fits tells the exit code and what to do about it
ADVICE: tuple[tuple[type[TandemError], int, str], ...] = (
    (BadInput, MISTAKE, ""),
    (BadSetting, MISTAKE, ""),
    (QueueFull, UNAVAILABLE, "the server is busy: try again later"),
    (Behind, UNAVAILABLE, "the index follows the catalogue: try again, or look into the server's log"),
    (NoServer, UNAVAILABLE, "start one with: python -m deploy serve"),
    (Unavailable, UNAVAILABLE, "try again in a few seconds"),
    (NoCanary, UNAVAILABLE, "begin a trial with: python -m deploy canary RELEASE --share 10%"),
    (NotServed, UNAVAILABLE, "this server has no Tandem release; start one that has with: python -m deploy serve"),
    (NotTrusted, MISTAKE, "name its authority with TANDEM_TLS_CA, or its name with TANDEM_TLS_NAME"),
    (Timeout, UNAVAILABLE, "allow more time with --timeout SECONDS, or look into the server's log"),
    (TandemError, FAILED, "look into the server's log"),
)

Image = Annotated[
    Path | None,
    typer.Option(
        "--image", "-i", metavar="FILE", help="A photo of it: JPEG, PNG or WebP.", exists=True, dir_okay=False
    ),
]
Url = Annotated[
    str, typer.Option(metavar="URL", help="The server: grpc://host:port or http://host:port.", envvar="TANDEM_URL")
]
TimeoutS = Annotated[float, typer.Option("--timeout", metavar="SECONDS", help="Deadline, all retries included.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

Count = Annotated[int, typer.Option("-k", metavar="K", help="How many products.")]
MinSeq = Annotated[int | None, typer.Option(metavar="N", help="Answer from a catalogue that knows of this write.")]
Filter = Annotated[
    str | None, typer.Option(metavar="JSON", help="""Which products, as in '{"range": ["price", null, 20]}'.""")
]
Key = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="Whose search it is: a share of the keys is answered by a release on trial."),
]
OnlyCanary = Annotated[bool, typer.Option("--canary", help="Ask the release on trial; an error where there is none.")]
Sheet = Annotated[
    Path | None,
    typer.Option(metavar="OUT.png", help="Write a contact sheet of the query and what was found.", dir_okay=False),
]
Images = Annotated[
    Path,
    typer.Option(
        metavar="FOLDER", help="The catalogue's folder, where the sheet's pictures are.", envvar="TANDEM_IMAGES"
    ),
]


@contextmanager
def mistakes_told() -> Iterator[None]:
    """Turn an error into a message, what to do about it, and an exit code."""
    try:
        yield
    except TandemError as error:
        code, advice = next((code, advice) for kind, code, advice in ADVICE if isinstance(error, kind))
        console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
        console.print(f"error: {error}")
        if advice:
            console.print(advice)
        raise typer.Exit(code) from None
