"""``python -m deploy``: the command line."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table
from rich.text import Text

from deploy.engine_cli import check_engines_here
from deploy.errors import Aborted, DeployError
from deploy.feed_cli import feed_here
from deploy.keep.cli import keep as keep_here
from deploy.keep.options import KeepOptions
from deploy.options import ServeOptions
from deploy.searching import Searching
from ensemble.variables import CATALOGUE

if TYPE_CHECKING:
    from deploy.server import Server

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Run the embedded Triton Inference Server.")
_console = Console()
_errors = Console(stderr=True)
_DEFAULTS = ServeOptions()

_Host = Annotated[str, typer.Option(help="Address to listen at; there is no access control, so keep to loopback.")]
_Catalogue = Annotated[
    str | None,
    typer.Option(
        help="Database that the index follows, sqlite:///PATH or postgresql+psycopg://...; '' for none.",
        envvar=CATALOGUE,
        show_default="the store's own",
    ),
]
_Port = Annotated[int, typer.Option(help="0 chooses a free one.")]
_Engine = Annotated[
    str,
    typer.Option(
        help="What searches the index: auto (the GPU where there is one, else main memory), cpu, gpu, gpu-int8, milvus."
    ),
]
_Milvus = Annotated[
    str | None,
    typer.Option(
        help="Where Milvus is, for --engine milvus: http://host:19530; TANDEM_MILVUS_TOKEN logs in.",
        show_default="TANDEM_MILVUS",
    ),
]
_Collection = Annotated[
    str | None,
    typer.Option(
        help="How the names of its collections begin, as for `feed`.",
        show_default="TANDEM_MILVUS_COLLECTION, or tandem",
    ),
]
_Keep = Annotated[bool, typer.Option(help="Run the keeper: snapshots of the index, vectors for products without.")]
_Trim = Annotated[
    bool, typer.Option("--trim", help="Have it forget journal entries; not where several stores share a catalogue.")
]
_ShmBytes = Annotated[int, typer.Option(help="Shared memory that each model instance starts with; it grows.")]


@app.callback()
def _commands() -> None:
    """Run the embedded Triton Inference Server."""


@app.command()
def serve(  # noqa: PLR0913 -- an option each
    *,
    store: Annotated[Path, typer.Option(help="Folder that `python -m export release` wrote.")] = Path("var"),
    host: _Host = "127.0.0.1",
    catalogue: _Catalogue = None,
    http_port: _Port = 8000,
    grpc_port: _Port = 8001,
    metrics_port: _Port = 8002,
    log: Annotated[Path | None, typer.Option(help="The server's log; by default STORE/run/triton.log.")] = None,
    engine: _Engine = "auto",
    milvus: _Milvus = None,
    collection: _Collection = None,
    keep: _Keep = True,
    trim: _Trim = False,
    shm_bytes: _ShmBytes = _DEFAULTS.shm_bytes,
) -> None:
    """Serve the newest release until SIGTERM or Ctrl-C; a second Ctrl-C does not wait for requests in flight."""
    handler = RichHandler(console=_console, show_path=False, show_level=False)
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[handler])
    log = log or store / "run" / "triton.log"
    try:
        from deploy.server import Server

        searching = Searching.asked(engine, milvus, collection)
        server = Server(
            store, catalogue=catalogue, http_port=http_port, grpc_port=grpc_port, metrics_port=metrics_port,
            host=host, log=log, options=ServeOptions(shm_bytes=shm_bytes, searching=searching),
            keep=KeepOptions(trim=trim, snapshots=not searching.in_milvus) if keep else None,
        )  # fmt: skip
        _serve(server, store / "run" / "serve.json", log, searching, keep=keep)
    except ModuleNotFoundError as error:
        _fail(f"the package {error.name} is not installed: install it with `pip install 'tandem[serve]'`")
    except (DeployError, ValueError) as error:
        _fail(str(error))


app.command("check-engines")(check_engines_here)
app.command("keep")(keep_here)
app.command("feed")(feed_here)


def _fail(problem: str) -> NoReturn:
    _errors.print(Text.assemble(("error: ", "bold red"), problem), soft_wrap=True)
    sys.exit(1)


def _serve(server: Server, state: Path, log: Path, searching: Searching, *, keep: bool) -> None:
    _stop_on_signals(server)
    try:
        with _console.status("starting the server, loading models ..."):
            server.start()
        _write_state(server, state)
        _console.print(_endpoints(server, log, _followed(server, searching, keep=keep)), "Ctrl-C stops it.")
        if not server.loopback:
            _console.print(
                "It has no access control, and whoever reaches it can load models: keep others away from it."
            )
        server.wait()
    except Aborted:
        _console.print("stopped before the server was up")
    finally:
        server.stop()
        _remove_state(state)


def _stop_on_signals(server: Server) -> None:
    """SIGINT, SIGTERM and SIGHUP let the requests in flight finish; a second one ends the server at once."""
    asked = False

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            server.kill()
        asked = True
        server.request_stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)


def _endpoints(server: Server, log: Path, followed: Mapping[str, str]) -> Table:
    table = Table(show_header=False)
    for name, value in (
        ("gRPC", server.grpc_url),
        ("HTTP", server.http_url),
        ("metrics", server.metrics_url),
        ("log", log),
        *followed.items(),
    ):
        table.add_row(name, str(value))
    return table


def _followed(server: Server, searching: Searching, *, keep: bool) -> dict[str, str]:
    """What the index is, and where its changes come from."""
    told = {} if searching.shown is None else {"Milvus": f"{searching.shown}; `feed` brings it up to date"}
    if server.catalogue is None:
        fixed = "nothing can be written here" if searching.in_milvus else "the index stays as it was released"
        return told | {"catalogue": f"none: {fixed}, and no keeper runs"}
    from catalogue.database.address import parse, shown

    return told | {"catalogue": shown(parse(server.catalogue)) + ("" if keep else "; no keeper runs")}


def _write_state(server: Server, path: Path) -> None:
    """Tell other programs where the server is."""
    state = {
        "pid": os.getpid(),
        "release": server.release,
        "grpc": server.grpc_url,
        "http": server.http_url,
        "metrics": server.metrics_url,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_text(json.dumps(state, indent=2) + "\n")
    unfinished.replace(path)


def _remove_state(path: Path) -> None:
    """Remove the file, unless another server over the same store has written its own."""
    try:
        if json.loads(path.read_text())["pid"] == os.getpid():
            path.unlink()
    except (OSError, ValueError, KeyError):
        return


def main() -> None:
    """Run the command line."""
    app()
