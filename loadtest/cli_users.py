"""``python -m loadtest users``: closed users, by locust."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from loadtest.arrivals.profiles import NAMES
from loadtest.cli_shared import (
    INTERRUPTED,
    Catalogue,
    Deadline,
    MixFile,
    Pictures,
    Queries,
    SloFile,
    WritesPerS,
    mistakes_told,
)
from loadtest.errors import BadLoad

HERE = Path(__file__).parent
Urls = Annotated[
    list[str] | None, typer.Option("--url", metavar="URL", help="grpc:// or http://; both: users of both protocols.")
]
DEFAULT_URL = "grpc://localhost:8001"


def users(  # noqa: PLR0913 - one argument an option
    *,
    url: Urls = None,
    count: Annotated[int, typer.Option("--users", "-u", help="Users: requests in flight.")] = 8,
    seconds: Annotated[int, typer.Option("--seconds", "-t", help="For how long.")] = 30,
    shape: Annotated[str, typer.Option(help=f"How the number of users changes: {', '.join(NAMES)}.")] = "steady",
    mix: MixFile = None,
    catalogue: Catalogue = None,
    queries: Queries = None,
    pictures: Pictures = None,
    writes: WritesPerS = None,
    deadline: Deadline = 10.0,
    slo: SloFile = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write locust's own report.")] = None,
    processes: Annotated[int, typer.Option(help="Worker processes on this machine; 1: none.")] = 1,
    master: Annotated[bool, typer.Option("--master", help="Add up what workers do.")] = False,
    expect_workers: Annotated[int, typer.Option(help="Workers that the master waits for.")] = 1,
    worker: Annotated[bool, typer.Option("--worker", help="Work for a master.")] = False,
    master_host: Annotated[str, typer.Option(help="Where the master is.")] = "127.0.0.1",
    bind: Annotated[str, typer.Option(help="Address that the master listens at.")] = "127.0.0.1",
    master_port: Annotated[int, typer.Option(help="The master's port; it has no access control.")] = 5557,
) -> None:
    """Closed users: each sends its next request when the last was answered. Distributed over workers, if asked.

    Exit codes: 0 done, and the SLO kept; 1 broken, or without an SLO a request failed; 2 a mistake; 3 no server; 130
    Ctrl-C.
    """
    with mistakes_told():
        if shape not in NAMES:
            raise BadLoad(f"--shape {shape!r}; allowed: {', '.join(NAMES)}")
        if count < 1 or seconds < 1 or processes < 1:
            raise BadLoad(f"--users {count}, --seconds {seconds}, --processes {processes}; allowed: 1 or more")
        if master and worker:
            raise BadLoad("--master and --worker: both; a process is one of the two")
        urls = _urls(url or [DEFAULT_URL])
    named = {"mix": mix, "catalogue": catalogue, "queries": queries, "pictures": pictures, "slo": slo}
    told = [f"--{name}={value}" for name, value in {**named, **urls, "writes": writes}.items() if value is not None]
    command = [sys.executable, "-m", "locust", "-f", _files(shape), *_classes(urls, writes), "--headless", *told]
    command += [f"--deadline={deadline}", f"--load-shape={shape}"]
    if worker:
        command += ["--worker", f"--master-host={master_host}", f"--master-port={master_port}"]
    else:
        command += [f"-u={count}", f"-r={count}", f"-t={seconds}s"]
        command += [] if out is None else [f"--html={out}"]
        command += [f"--processes={processes}"] if processes > 1 else []
    if master:
        command += ["--master", f"--expect-workers={expect_workers}", f"--master-bind-host={bind}"]
        command += [f"--master-bind-port={master_port}"]
    raise typer.Exit(_run(command))


def _run(command: list[str]) -> int:
    with subprocess.Popen(command) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()  # it had the same signal, and tells what was measured
            return INTERRUPTED


def _files(shape: str) -> str:
    files = [HERE / "locustfile.py", *([] if shape == "steady" else [HERE / "locustshape.py"])]
    return ",".join(map(str, files))


def _urls(urls: list[str]) -> dict[str, str]:
    found = {}
    for url in urls:
        scheme = url.partition("://")[0].rstrip("s")
        if scheme not in {"grpc", "http"} or f"{scheme}-url" in found:
            raise BadLoad(
                f"--url {', '.join(urls)}; allowed: one of grpc://host:port, one of http://host:port, or both"
            )
        found[f"{scheme}-url"] = url
    return found


def _classes(urls: dict[str, str], writes: float | None) -> list[str]:
    users = {"grpc-url": "GrpcUser", "http-url": "HttpUser"}
    return [*(users[name] for name in urls), *(["Writer"] if writes else [])]
