"""``python -m deploy serve``."""

from __future__ import annotations

import logging
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

from deploy.access import Access
from deploy.errors import Aborted, DeployError
from deploy.keep.options import KeepOptions
from deploy.operate.service import ControlSocket
from deploy.options import ServeOptions
from deploy.searching import Searching
from deploy.state import SWITCHES, State
from deploy.tracing import Tracing
from ensemble.variables import CATALOGUE

if TYPE_CHECKING:
    from deploy.events import Event
    from deploy.server import Server

_console = Console()
_errors = Console(stderr=True)
_DEFAULTS = ServeOptions()

_Host = Annotated[
    str, typer.Option(help="Address to listen at. Others than loopback need mutual TLS or --trust-network.")
]
_Cert = Annotated[Path | None, typer.Option(help="Certificate of the gRPC service (PEM): TLS, with --tls-key.")]
_Key = Annotated[Path | None, typer.Option(help="Its private key (PEM).")]
_ClientCa = Annotated[
    Path | None, typer.Option(help="Authorities of the clients' certificates (PEM): mutual TLS, none other connects.")
]
_TrustNetwork = Annotated[
    bool, typer.Option("--trust-network", help="Whoever reaches --host may search, write, and read metrics.")
]
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
_Release = Annotated[
    int | None, typer.Option(help="Its number.", show_default="the one that was activated last, else the newest")
]
_Standby = Annotated[
    bool, typer.Option(help="Load the release before it too, to go back to it in a moment; takes as much memory.")
]
_TraceTo = Annotated[str | None, typer.Option(help="OTLP collector of traces: http://HOST:4318/v1/traces.")]
_TraceRate = Annotated[int, typer.Option(help="One request in so many; 0: those that bring a traceparent.")]
_Keep = Annotated[bool, typer.Option(help="Run the keeper: snapshots of the index, vectors for products without.")]
_Trim = Annotated[
    bool, typer.Option("--trim", help="Have it forget journal entries; not where several stores share a catalogue.")
]
_ShmBytes = Annotated[int, typer.Option(help="Shared memory that each model instance starts with; it grows.")]


def serve(  # noqa: PLR0913 -- an option each
    *,
    store: Annotated[Path, typer.Option(help="Folder that `python -m export release` wrote.")] = Path("var"),
    release: _Release = None,
    host: _Host = "127.0.0.1",
    catalogue: _Catalogue = None,
    http_port: _Port = 8000,
    grpc_port: _Port = 8001,
    metrics_port: _Port = 8002,
    supervisor_port: _Port = 8003,
    log: Annotated[Path | None, typer.Option(help="The server's log; by default STORE/run/triton.log.")] = None,
    engine: _Engine = "auto",
    milvus: _Milvus = None,
    collection: _Collection = None,
    keep: _Keep = True,
    trim: _Trim = False,
    standby: _Standby = True,
    shm_bytes: _ShmBytes = _DEFAULTS.shm_bytes,
    tls_cert: _Cert = None,
    tls_key: _Key = None,
    tls_client_ca: _ClientCa = None,
    trust_network: _TrustNetwork = False,
    trace_to: _TraceTo = None,
    trace_rate: _TraceRate = 100,
) -> None:
    """Serve the live release until SIGTERM or Ctrl-C; a second Ctrl-C does not wait for requests in flight."""
    handler = RichHandler(console=_console, show_path=False, show_level=False)
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[handler])
    log = log or store / "run" / "triton.log"
    try:
        from deploy.server import Server

        searching = Searching.asked(engine, milvus, collection)
        access = Access.asked(tls_cert, tls_key, tls_client_ca, trust_network=trust_network)
        tracing = None if trace_to is None else Tracing(trace_to, trace_rate)
        options = ServeOptions(
            shm_bytes=shm_bytes, searching=searching, access=access, standby=standby, tracing=tracing
        )
        server = Server(
            store, release=release, catalogue=catalogue, host=host, http_port=http_port, grpc_port=grpc_port,
            metrics_port=metrics_port, supervisor_port=supervisor_port, log=log, options=options,
            keep=KeepOptions(trim=trim, snapshots=not searching.in_milvus) if keep else None,
        )  # fmt: skip
        _serve(server, store, log, searching, keep=keep, trusting=trust_network)
    except ModuleNotFoundError as error:
        _fail(f"the package {error.name} is not installed: install it with `pip install 'tandem[serve]'`")
    except (DeployError, ValueError) as error:
        _fail(str(error))


def _fail(problem: str) -> NoReturn:
    _errors.print(Text.assemble(("error: ", "bold red"), problem), soft_wrap=True)
    sys.exit(1)


def _serve(server: Server, store: Path, log: Path, searching: Searching, *, keep: bool, trusting: bool) -> None:
    _stop_on_signals(server)
    control, state = ControlSocket(store), State(store)
    try:
        control.open()
        with _console.status("starting the server, loading models ..."):
            server.start()
        control.start(server.switchboard)
        state.write(server)
        server.listen(lambda event: _renew(state, server, event))
        _console.print(_endpoints(server, log, _followed(server, searching, keep=keep)), "Ctrl-C stops it.")
        if trusting and not server.loopback:
            _console.print("Whoever reaches it can search, and write to the catalogue: keep others away from it.")
        server.wait()
    except Aborted:
        _console.print("stopped before the server was up")
    finally:
        server.stop()
        control.close()
        state.remove()


def _renew(state: State, server: Server, event: Event) -> None:
    if event.kind in SWITCHES:
        try:
            state.write(server)
        except OSError as error:
            logging.getLogger(__name__).warning("other programs are not told of the switch: %s", error)


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
        ("supervisor", server.supervisor_url),
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
