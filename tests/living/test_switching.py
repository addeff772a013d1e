"""Two releases of different spaces over one living catalogue, switched while a shop is written to and asked."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest

from clients import NO_RETRIES, Client, TandemError
from deploy.keep.options import KeepOptions
from deploy.options import ServeOptions
from deploy.server import Server
from deploy.switching.values import By
from tests.deploy.conftest import wait_for
from tests.export.conftest import Make

ME = By("test")


def quiet(_: str) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def two(make: Make, towers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two releases, whose towers see pictures differently."""
    store = tmp_path_factory.mktemp("switched") / "var"
    make(store)
    other = towers.with_name("others.toml")
    other.write_text(towers.read_text().replace("mean = [0.5, 0.5, 0.5]", "mean = [0.4, 0.5, 0.6]"))
    make(store, towers=other)
    return store


@pytest.fixture(scope="module")
def server(two: Path) -> Iterator[Server]:
    with Server(two, release=1, options=ServeOptions(standby=False), keep=KeepOptions()) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with Client(server.grpc_url, retries=NO_RETRIES) as connected:
        yield connected


def found(client: Client, product: str, seq: int) -> tuple[int, list[str]]:
    """The release that answers, and what it knows of one product."""
    answer = client.search(text="large blue lamp", k=1, filter={"eq": ["id", product]}, min_seq=seq)
    return answer.release, [result.id for result in answer.results]


def test_what_was_written_before_a_switch_is_found_after_it(server: Server, client: Client) -> None:
    written = client.upsert({"id": "before", "title": "large blue lamp"})
    assert found(client, "before", written.seq) == (1, ["before"])
    server.switchboard.activate(2, ME, quiet)
    assert found(client, "before", written.seq) == (2, ["before"])
    after = client.upsert({"id": "after", "title": "small red mug"})
    assert found(client, "after", after.seq) == (2, ["after"])
    server.switchboard.rollback(ME, quiet)
    assert found(client, "before", after.seq) == (1, ["before"])


class Day:
    """Two who search and one who writes, all without a break, until the day is over."""

    def __init__(self, url: str) -> None:
        self.errors: list[str] = []
        self.releases = Counter[int]()
        self.acknowledged: list[tuple[str, int]] = []
        self._url, self._over = url, threading.Event()
        self._threads = [threading.Thread(target=self._live, args=(task,)) for task in (self.ask, self.ask, self.write)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def ask(self, client: Client, _: int) -> None:
        self.releases[client.search(text="red mug", k=5).release] += 1

    def write(self, client: Client, number: int) -> None:
        seq = client.upsert({"id": f"W{number}", "title": "large blue lamp", "price": float(number)}).seq
        client.patch(f"W{number}", price=number + 0.5)
        self.acknowledged.append((f"W{number}", seq))

    def _live(self, task: Callable[[Client, int], None]) -> None:
        with Client(self._url, retries=NO_RETRIES) as client:
            for number in itertools.count():
                if self._over.is_set():
                    return
                try:
                    task(client, number)
                except TandemError as error:
                    self.errors.append(repr(error))


def test_nobody_notices_switches_of_a_shop_that_is_written_to(server: Server, client: Client) -> None:
    with Day(server.grpc_url) as day:
        server.switchboard.activate(2, ME, quiet)
        server.switchboard.rollback(ME, quiet)
        server.switchboard.activate(2, ME, quiet)
    assert not day.errors
    assert set(day.releases) == {1, 2}
    assert len(day.acknowledged) > 5
    head = max(seq for _, seq in day.acknowledged)
    # An upsert that was under way in the moment of a switch has the other space's vector: the keeper finds it.
    wait_for(lambda: all(found(client, product, head)[1] for product, _ in day.acknowledged))
