"""The database is away, or another one; the disk is full: searches go on, writes are refused, all recovers."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from catalogue import read
from catalogue.database import Database
from clients import Behind, Client, ServerFault, Unavailable
from deploy.keep.options import KeepOptions
from deploy.server import Server
from tests.deploy.conftest import wait_for
from tests.export.conftest import Make
from tests.living.shop import Shop, seeded
from tests.living.states import database_of, documents_in, documents_served, kinds_of_events
from tests.living.talk import Writer, client_of
from tests.patient import PATIENT
from tests.postgres import Postgres, own

pytestmark = pytest.mark.slow

PRODUCT = {"id": "new", "title": "red mug", "price": 5.0}
RECOVERS_S = 60.0
SECRET = "dont-tell"


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A server of its own, to be stopped and started."""
    with own() as server:
        yield server


@pytest.fixture
def url(postgres: Postgres, shop: Path) -> str:
    """A PostgreSQL catalogue with the tiny shop."""
    postgres.run("CREATE DATABASE shop")
    address = postgres.url("shop").replace("tandem@", f"tandem:{SECRET}@")  # the server trusts whoever comes
    with closing(Database.open(address, create=True)) as database:
        database.load(read(str(shop)), str(shop))
    return address


def until_written(client: Client, product: dict[str, object]) -> int:
    """Try to write until it succeeds; the sequence number."""
    deadline = time.monotonic() + RECOVERS_S
    while True:
        try:
            return client.upsert(product).seq
        except Unavailable:
            assert time.monotonic() < deadline, "writes are still refused"
            time.sleep(0.2)


def hold_refused(client: Client, write: Callable[[], object], words: str, kind: type[Exception] = Unavailable) -> None:
    """A write is refused, and searches go on."""
    with pytest.raises(kind, match=words) as refused:
        write()
    assert SECRET not in str(refused.value)
    assert client.search(text="red mug", k=3).results


def test_postgresql_goes_and_comes_back(make: Make, postgres: Postgres, url: str, tmp_path: Path) -> None:
    store = tmp_path / "var"
    make(store, catalogue=url)
    with Server(store, catalogue=url, keep=KeepOptions()) as server, client_of(server.grpc_url) as client:
        written = client.upsert(PRODUCT).seq
        before = client.search(text="red mug", k=20, min_seq=written)
        postgres.stop()
        hold_refused(client, lambda: client.upsert(PRODUCT), "TANDEM_CATALOGUE")
        hold_refused(client, lambda: client.patch("new", price=6.0), "TANDEM_CATALOGUE")
        hold_refused(client, lambda: client.delete("new"), "TANDEM_CATALOGUE")
        assert client.search(text="red mug", k=20) == before
        with pytest.raises(Behind, match="cannot be followed at the moment"):
            client.search(text="red mug", min_seq=written + 1)
        postgres.start()
        seq = until_written(client, {**PRODUCT, "price": 7.0})
        assert seq == written + 1
        with Client(server.grpc_url, retries=PATIENT) as patient:
            _, found = documents_served(patient, seq)
        assert found["new"]["price"] == 7.0
        assert found == documents_in(url)[1]
        assert server.events[-1].kind == "started"


def test_a_server_starts_while_postgresql_is_away(make: Make, postgres: Postgres, url: str, tmp_path: Path) -> None:
    store = tmp_path / "var"
    make(store, catalogue=url)
    postgres.stop()
    with Server(store, catalogue=url, keep=KeepOptions()) as server, client_of(server.grpc_url) as client:
        hold_refused(client, lambda: client.upsert(PRODUCT), "TANDEM_CATALOGUE")
        postgres.start()
        seq = until_written(client, PRODUCT)
        with Client(server.grpc_url, retries=PATIENT) as patient:
            assert documents_served(patient, seq)[1] == documents_in(url)[1]


def test_a_file_that_is_gone_or_another_one_is_told(store: Path, tmp_path: Path) -> None:
    with Server(store) as server, client_of(server.grpc_url) as client:
        written = client.upsert(PRODUCT).seq
        before = client.search(text="red mug", k=20, min_seq=written)
        for file in store.glob("catalogue.sqlite*"):
            file.rename(tmp_path / file.name)
        hold_refused(client, lambda: client.upsert(PRODUCT), r"catalogue\.sqlite: the file is gone")
        Database.open(database_of(store), create=True).close()
        hold_refused(client, lambda: client.upsert(PRODUCT), "is catalogue .*; this release follows", ServerFault)
        assert documents_in(database_of(store)) == (0, {}), "a product went into another catalogue"
        assert client.search(text="red mug", k=20) == before
    assert documents_in(f"sqlite:///{tmp_path / 'catalogue.sqlite'}")[0] == written


def test_a_full_disk_stops_snapshots_and_nothing_else(store: Path) -> None:
    keep = KeepOptions(snapshot_every_s=0.5, min_changes=5)
    with Server(store, keep=keep) as server, client_of(server.grpc_url) as client:
        writer = Writer(client, Shop(seeded(1), "A", 40))
        for _ in range(10):
            writer.write()
        wait_for(lambda: "snapshot_written" in kinds_of_events(store))
        assert server.keeper_pid is not None
        limits = resource.prlimit(server.keeper_pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.keeper_pid, resource.RLIMIT_FSIZE, (2_000, limits[1]))
        for _ in range(20):
            writer.write()
        # Once for each index: that of the products, and that of what is recommended.
        wait_for(lambda: kinds_of_events(store).count("snapshot_failed") == 2)
        seq = writer.write().seq
        expected = documents_in(database_of(store))[1]
        assert documents_served(client, seq)[1] == expected
        told = kinds_of_events(store).count("snapshot_written")
        resource.prlimit(server.keeper_pid, resource.RLIMIT_FSIZE, limits)
        wait_for(lambda: kinds_of_events(store).count("snapshot_written") > told)
        assert kinds_of_events(store).count("snapshot_failed") == 2
    assert not list((store / "snapshots").rglob(".*.unfinished"))
