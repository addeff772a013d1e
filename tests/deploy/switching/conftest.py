"""Two small releases that answer differently, and callers who never rest."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from deploy.control import Control
from deploy.errors import RequestFailed
from deploy.server import Server
from deploy.switching.values import By
from tests.deploy.conftest import FAST, connect, search
from tests.deploy.shop import write_release

ME = By("test", "to see it")
FIRST, SECOND = ["p5", "q5"], ["r5", "s5"]


def quiet(_: str) -> None:
    """Nobody listens."""


@pytest.fixture
def two(store: Path) -> Path:
    """A store with releases 1 and 2, which answer differently."""
    write_release(store, 2, versions=(2,), ids=SECOND)
    return store


@pytest.fixture
def server(two: Path) -> Iterator[Server]:
    """Serves release 1 of them."""
    with Server(two, release=1, watch_options=FAST) as running:
        yield running


@pytest.fixture
def control(server: Server) -> Iterator[Control]:
    connection = connect(server)
    yield connection
    connection.close()


class Callers:
    """Asks the server without a break, and keeps what it answers."""

    def __init__(self, url: str) -> None:
        self.answers: list[tuple[str, ...]] = []
        self.errors: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(url,)) for _ in range(3)]

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, url: str) -> None:
        host, port = url.removeprefix("grpc://").split(":")
        control = Control(host, int(port))
        while not self._stop.is_set():
            try:
                self.answers.append(tuple(search(control, "hello")[0]))
            except RequestFailed as error:
                self.errors.append(str(error))
        control.close()


def canary_answer(control: Control) -> list[str]:
    outputs = control.infer("search_text_canary", {"TEXT": np.array([[b"hello"]], object)}, 10.0)
    return [value.decode() for value in outputs["PRODUCT_ID"][0]]
