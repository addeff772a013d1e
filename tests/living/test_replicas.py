"""Two servers with stores of their own over one PostgreSQL catalogue."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from catalogue import read
from catalogue.database import Database
from clients import Client, TandemError
from tests.export.conftest import Make
from tests.living.served import Served
from tests.living.shop import PICTURES, Shop, filters, seeded
from tests.living.states import documents_in, documents_served
from tests.living.talk import Writer, client_of
from tests.postgres import Postgres

WRITES = 60


@dataclass
class Replicas:
    """Servers over one catalogue.

    Args:
        url: Of the catalogue.
        served: The servers.
        writers: One for each, of products of its own.
    """

    url: str
    served: list[Served]
    writers: list[Writer]

    @property
    def acknowledged(self) -> int:
        """The highest sequence number that was acknowledged."""
        return max(change.seq for writer in self.writers for change in writer.changes)

    def hold(self) -> None:
        """Both give the same answers, which are the catalogue's."""
        first, second = (answers(one, self.acknowledged) for one in self.served)
        assert first == second
        _, expected = documents_in(self.url)
        for one in self.served:
            with client_of(one.url) as client:
                assert documents_served(client, self.acknowledged)[1] == expected


def answers(served: Served, min_seq: int) -> list[list[tuple[str, float]]]:
    """Ids and scores of searches, the same for all who ask."""
    random = seeded(3)
    with client_of(served.url) as client:
        told = [
            client.search(image=picture, k=20, filter=filters(random), min_seq=min_seq)
            for picture in PICTURES.values()
            for _ in range(8)
        ]
    return [[(result.id, result.score) for result in one.results] for one in told]


@pytest.fixture
def replicas(make: Make, shop: Path, postgres: Postgres, tmp_path: Path) -> Iterator[Replicas]:
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        url = stack.enter_context(filled(postgres, shop))
        first = tmp_path / "first"
        make(first, catalogue=url)
        stores = [first, shutil.copytree(first, tmp_path / "second", symlinks=True)]
        served = list(pool.map(lambda store: Served(store, "--catalogue", url), stores))
        for one in served:
            stack.callback(one.stop)
        clients = [stack.enter_context(client_of(one.url)) for one in served]
        shops = [Shop(seeded(number), "AB"[number], 40) for number in range(2)]
        yield Replicas(url, served, [Writer(client, shop) for client, shop in zip(clients, shops, strict=True)])


@contextmanager
def filled(postgres: Postgres, shop: Path) -> Iterator[str]:
    """URL of a PostgreSQL database with the catalogue of a file."""
    with postgres.database() as url:
        with closing(Database.open(url, create=True)) as database:
            database.load(read(str(shop)), str(shop))
        yield url


def test_replicas_converge_and_a_paused_one_catches_up(replicas: Replicas) -> None:
    first, second = replicas.served
    for _ in range(WRITES):
        for writer in replicas.writers:
            writer.write()
    replicas.hold()
    second.pause()
    for _ in range(WRITES):
        replicas.writers[0].write()
    with Client(second.url, timeout_s=0.5) as client, pytest.raises(TandemError):
        client.search(text="red")
    second.resume()
    replicas.writers[1].write()
    replicas.hold()
    assert first.alive
    assert second.alive
