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
from deploy.embedded import find_embedded
from deploy.options import Endpoints, ServeOptions, choose_endpoints
from deploy.process import TritonProcess
from tests.clients.scripted import write_models

START_S = 60.0


@contextlib.contextmanager
def triton(folder: Path, at: Endpoints | None = None) -> Iterator[Endpoints]:
    """A Triton with the scripted models; ``deploy``'s own parts, without the probes that only a release has."""
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
        yield endpoints
    finally:
        process.stop(timeout_s=0)


@pytest.fixture(scope="session")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    with triton(tmp_path_factory.mktemp("triton")) as running:
        yield running


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
        if not asyncio.iscoroutinefunction(value):
            return value
        return lambda *args, **named: self._runner.run(value(*args, **named))

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
