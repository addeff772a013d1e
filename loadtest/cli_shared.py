"""What the commands share: options, exit codes, and how an error is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from clients import BadSetting, TandemError
from loadtest.errors import GeneratorFailed, LoadError, NoServerThere
from loadtest.slo import Slo, read_slo
from loadtest.traffic.requests import Traffic

KEPT, BROKEN, MISTAKE, NO_SERVER, INTERRUPTED = 0, 1, 2, 3, 130
DEFAULT_URL = "grpc://localhost:8001"
DEFAULT_METRICS = "http://localhost:8002/metrics"

MixFile = Annotated[
    Path | None,
    typer.Option(
        "--mix", metavar="FILE.toml", help="What is sent.", show_default="loadtest/mixes/shop.toml", dir_okay=False
    ),
]
Catalogue = Annotated[
    Path | None, typer.Option(metavar="FILE.jsonl", help="Catalogue in place of the mix's.", dir_okay=False)
]
Queries = Annotated[Path | None, typer.Option(metavar="FILE", help="Queries in place of the mix's.", dir_okay=False)]
Pictures = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Pictures in place of the mix's.")]
WritesPerS = Annotated[
    float | None, typer.Option("--writes", metavar="PER_S", help="Writes a second beside the searches.", min=0)
]
Deadline = Annotated[float, typer.Option("--timeout", metavar="SECONDS", help="Deadline of one request.")]
SloFile = Annotated[
    Path | None, typer.Option("--slo", metavar="FILE.toml", help="What was promised; makes the exit code.")
]
Url = Annotated[
    str | None,
    typer.Option(metavar="URL", help="grpc:// or http://host:port.", envvar="TANDEM_URL", show_default=DEFAULT_URL),
]
Metrics = Annotated[
    str | None,
    typer.Option(metavar="URL", help="The server's metrics; '' for none.", show_default=DEFAULT_METRICS),
]
Store = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", help="Take both URLs from a running `deploy serve --store FOLDER`.", file_okay=False
    ),
]
Processes = Annotated[int, typer.Option(help="Processes that send; more where requests are sent late.")]
Constant = Annotated[bool, typer.Option("--constant", help="Even distances, not those of independent shoppers.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same times and requests.", min=0)]
Retries = Annotated[
    bool, typer.Option("--retries", help="Send a refused request again, as the clients do; latency counts on.")
]
Out = Annotated[
    Path | None, typer.Option(metavar="FILE.html", help="Write a report, and FILE.json beside it.", dir_okay=False)
]


@dataclass(frozen=True)
class ServerAt:
    """Where a server is.

    Args:
        url: Where it is asked.
        metrics: Its metrics page; None for none.
    """

    url: str
    metrics: str | None


def server_of(url: str | None, metrics: str | None, store: Path | None) -> ServerAt:
    """Where the server is that the options name; a server of a store tells it in ``STORE/run/serve.json``.

    Raises:
        NoServerThere: No server of that store runs.
    """
    told: dict[str, str] = {}
    if store is not None:
        state = store / "run" / "serve.json"
        try:
            told = json.loads(state.read_text("utf-8"))
        except (OSError, ValueError):
            raise NoServerThere(f"no server of the store {str(store)!r} runs: there is no {str(state)!r}") from None
    page = told.get("metrics", DEFAULT_METRICS) if metrics is None else metrics
    return ServerAt(url or told.get("grpc", DEFAULT_URL), page or None)


@dataclass(frozen=True)
class Load:
    """What the options of an open load name.

    Args:
        server: Where it goes.
        traffic: What is sent.
        promised: What it is held to; None: nothing.
    """

    server: ServerAt
    traffic: Traffic
    promised: Slo | None


def read_load(server: ServerAt, slo: Path | None, mix: Path | None, **changed: object) -> Load:
    """What the options name; those that were not given leave what the mix file says.

    Raises:
        BadSlo: The SLO file cannot be used.
        BadTraffic: A file of the traffic cannot be used.
    """
    promised = None if slo is None else read_slo(slo)
    given = {name: value for name, value in changed.items() if value is not None}
    return Load(server, Traffic.read(mix, **given), promised)


@contextmanager
def mistakes_told() -> Iterator[None]:
    """Turn an error into a message and an exit code."""
    try:
        yield
    except (LoadError, TandemError) as error:
        console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
        console.print(f"error: {error}")
        if isinstance(error, NoServerThere):
            console.print("start one with: python -m deploy serve")
            raise typer.Exit(NO_SERVER) from None
        raise typer.Exit(_code(error)) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def _code(error: LoadError | TandemError) -> int:
    if isinstance(error, GeneratorFailed):
        return BROKEN
    return MISTAKE if isinstance(error, LoadError | BadSetting) else NO_SERVER
