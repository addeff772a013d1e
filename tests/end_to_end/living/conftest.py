"""A served catalogue of the tiny shop, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from catalogue import read
from catalogue.database import Database
from clients import NO_RETRIES, Client
from deploy.server import Server
from tests.export.conftest import Make, make, shop, sources, towers
from tests.postgres import Postgres, why_not

__all__ = ["make", "shop", "sources", "towers"]


@dataclass(frozen=True)
class Served:
    """A server and its catalogue.

    Args:
        server: The server.
        url: The catalogue's database.
        postgres: Its server; None where it is a file.
    """

    server: Server
    url: str
    postgres: Postgres | None = None

    @property
    def file(self) -> Path:
        """The database, where it is a file."""
        return Path(self.url.removeprefix("sqlite:///"))

    @contextmanager
    def away(self) -> Iterator[None]:
        """The database is not there."""
        aside = self.file.with_suffix(".aside")
        if self.postgres is None:
            self.file.rename(aside)
        else:
            self.postgres.stop()
        try:
            yield
        finally:
            if self.postgres is None:
                aside.rename(self.file)
            else:
                self.postgres.start()


@contextmanager
def on_postgres(shop: Path) -> Iterator[tuple[Postgres, str]]:
    """A database that holds the shop."""
    server = Postgres()
    try:
        server.start()
        with server.database() as url:
            with Database.open(url, create=True) as database:
                database.load(read(str(shop)), str(shop))
            yield server, url
    finally:
        server.remove()


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def served(
    request: pytest.FixtureRequest, make: Make, shop: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The tiny shop, served from its own database or from PostgreSQL."""
    store = tmp_path_factory.mktemp("living") / "var"
    if request.param == "sqlite":
        make(store)
        with Server(store) as server:
            yield Served(server, f"sqlite:///{store / 'catalogue.sqlite'}")
        return
    if why_not():
        pytest.skip(str(why_not()))
    with on_postgres(shop) as (database, url):
        make(store, catalogue=url)
        with Server(store, catalogue=url) as server:
            yield Served(server, url, database)


@pytest.fixture(params=["grpc", "http"])
def client(request: pytest.FixtureRequest, served: Served) -> Iterator[Client]:
    url = served.server.grpc_url if request.param == "grpc" else served.server.http_url
    with Client(url, timeout_s=30, retries=NO_RETRIES) as made:
        yield made
