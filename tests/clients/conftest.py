"""One scripted Triton for all tests of the client, started when a test first asks for it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clients import AsyncClient, Client
from deploy.command import server_command, server_environment
from deploy.control import Control
from deploy.embedded import find_embedded
from deploy.options import Endpoints, ServeOptions, choose_endpoints
from deploy.process import TritonProcess
from tests.clients.scripted import write_models

START_S = 60.0
TRIAL = "search_text_canary"


@contextlib.contextmanager
def triton(folder: Path, at: Endpoints | None = None) -> Iterator[Endpoints]:
    """A Triton with the scripted models; ``deploy``'s own parts, without the probes that only a release has."""
    with started(folder, at) as (_, endpoints):
        yield endpoints


@contextlib.contextmanager
def started(folder: Path, at: Endpoints | None = None) -> Iterator[tuple[TritonProcess, Endpoints]]:
    """The same with its process."""
    write_models(folder / "models")
    (folder / "work").mkdir()
    endpoints = at or choose_endpoints("127.0.0.1", None, None, None)
    embedded = find_embedded()
    embedded.lay_out(folder / "work")
    command = server_command(embedded, folder / "work", folder / "models", endpoints, ServeOptions())
    process = TritonProcess(command, server_environment(folder / "work"), folder / "work", folder / "triton.log")
    try:
        with Client(endpoints.grpc_url) as grpc, Client(endpoints.http_url) as http:
            ends = time.monotonic() + START_S
            while not (grpc.ready() and http.ready()):
                assert process.returncode is None, process.last_words()
                assert time.monotonic() < ends, process.last_words()
                time.sleep(0.05)
        yield process, endpoints
    finally:
        process.stop(timeout_s=0)


class Scripted:
    """The Triton of all tests: where it is, and whether a release is on trial there."""

    def __init__(self, folder: Path, process: TritonProcess, endpoints: Endpoints) -> None:
        self.endpoints = endpoints
        self._config = folder / "models" / TRIAL / "config.pbtxt"
        self._text = self._config.read_text()
        self._control = Control(endpoints.host, endpoints.grpc, process.secret)

    def try_release(self, share: float = 0.25) -> None:
        """Have a release on trial."""
        self._config.write_text(self._text.replace("0.25", str(share)))
        self._control.load(TRIAL, 10.0)

    def withdraw(self) -> None:
        """Have none."""
        self._control.unload(TRIAL, 10.0)
        while (TRIAL, 1) in self._control.ready_versions():
            time.sleep(0.01)

    def close(self) -> None:
        self._control.close()


@pytest.fixture(scope="session")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scripted]:
    folder = tmp_path_factory.mktemp("triton")
    with started(folder) as (process, endpoints), contextlib.closing(Scripted(folder, process, endpoints)) as made:
        yield made


@pytest.fixture(scope="session")
def endpoints(scripted: Scripted) -> Endpoints:
    return scripted.endpoints


@pytest.fixture(params=["grpc", "http"])
def url(request: pytest.FixtureRequest, endpoints: Endpoints) -> str:
    return endpoints.grpc_url if request.param == "grpc" else endpoints.http_url


class Awaited:
    """An ``AsyncClient`` that is awaited on the spot, so that one test runs over both clients."""

    def __init__(self, url: str, **settings: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = AsyncClient(url, **settings)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._client, name)
        return self._awaited(value) if callable(value) else value

    def _awaited(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **named: Any) -> Any:
            answer = method(*args, **named)
            return self._runner.run(answer) if asyncio.iscoroutine(answer) else answer

        return run

    def __enter__(self) -> Awaited:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._client.close())
        self._runner.close()


@pytest.fixture(params=[Client, Awaited], ids=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Callable[..., Client]:
    """Makes a sync client, or an async one that looks like it."""
    made: Callable[..., Client] = request.param
    return made
