"""The catalogue's database goes, is locked, or stops answering: searches go on."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from catalogue import read
from catalogue.database import Database
from clients import NO_RETRIES, Client
from tests.deploy.conftest import wait_for
from tests.export.conftest import Make
from tests.faults.book import Book
from tests.faults.processes import stubs
from tests.faults.stream import Stream
from tests.faults.trial import Record, trial
from tests.living.served import Served, serving
from tests.postgres import Postgres, own

pytestmark = pytest.mark.slow

AWAY_S = 5.0


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of its own, to be killed."""
    with own() as server:
        yield server


@pytest.fixture(scope="module")
def followed(make: Make, shop: Path, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose catalogue is in PostgreSQL."""
    postgres.run("CREATE DATABASE shop")
    url = postgres.url("shop")
    with closing(Database.open(url, create=True)) as database:
        database.load(read(str(shop)), str(shop))
    store = tmp_path_factory.mktemp("followed") / "var"
    make(store, catalogue=url)
    with serving(store, "--catalogue", url) as served:
        yield served


@pytest.fixture(scope="module")
def callers(followed: Served) -> Iterator[Stream]:
    """The requests that it gets all the time."""
    with Stream(followed.url, Book()) as running:
        yield running


def test_postgresql_is_killed_and_back(
    followed: Served, callers: Stream, postgres: Postgres, record_property: Record
) -> None:
    fault = f"SIGKILL of PostgreSQL, back after {AWAY_S:g} s"
    with trial(fault, callers, followed.store, followed.url, record_property) as tried:
        postgres.kill()
        time.sleep(AWAY_S)
        postgres.start()
    assert tried.seen.failures("text", "photo") == 0
    assert {"write Unavailable"} == {name for name in tried.seen.failed if name.startswith("write")}
    assert not {"restarting", "probe_failed"} & set(tried.told)


def test_the_journal_stalls(followed: Served, callers: Stream, postgres: Postgres, record_property: Record) -> None:
    fault = f"journal stalled: the follower's connections to PostgreSQL stopped for {AWAY_S:g} s"
    with trial(fault, callers, followed.store, followed.url, record_property) as tried:
        with stopped(backends(postgres, ports_of(stubs(followed, "retrieve")[0].pid))):
            time.sleep(AWAY_S)
            with Client(followed.url, retries=NO_RETRIES) as client:
                behind = callers.book.seq - client.search(text="red mug", k=1).seq
        resumed = time.monotonic()
        wait_for(lambda: seq_of(followed.url) >= callers.book.seq - 2)
        caught_s = time.monotonic() - resumed
        tried.note = f"answers fell {behind} writes behind, and had caught up {caught_s:.1f} s after the stall"
    assert behind > AWAY_S, "something was written each second, and not followed"
    assert tried.seen.failed == {}
    assert tried.told == []


def test_a_lock_on_the_journal(followed: Served, callers: Stream, postgres: Postgres, record_property: Record) -> None:
    fault = f"journal locked by another transaction for {AWAY_S:g} s (PostgreSQL)"
    with (
        trial(fault, callers, followed.store, followed.url, record_property) as tried,
        psycopg.connect(postgres.url("shop").replace("+psycopg", "")) as connection,
    ):
        connection.execute("LOCK TABLE journal IN ACCESS EXCLUSIVE MODE")
        time.sleep(AWAY_S)
    assert tried.seen.failures("text", "photo") == 0


def test_another_program_locks_the_file(
    served: Served, stream: Stream, shared_store: Path, record_property: Record
) -> None:
    fault = f"SQLite file locked by another writer for {AWAY_S:g} s"
    with trial(fault, stream, shared_store, served.url, record_property) as tried:
        connection = sqlite3.connect(shared_store / "catalogue.sqlite", isolation_level=None, timeout=30)
        with closing(connection):
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(AWAY_S)
            connection.execute("ROLLBACK")
    assert tried.seen.failures("text", "photo") == 0


def seq_of(url: str) -> int:
    """What the server's answers know of."""
    with Client(url) as client:
        return client.search(text="red mug", k=1).seq


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """Processes that do nothing for a while, though their connections stay up."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def backends(postgres: Postgres, ports: set[int]) -> list[int]:
    """The processes of PostgreSQL that serve connections from these local ports."""
    with psycopg.connect(postgres.url("shop").replace("+psycopg", "")) as connection:
        rows = connection.execute("SELECT pid, client_port FROM pg_stat_activity").fetchall()
    found = [pid for pid, port in rows if port in ports]
    assert found, "the follower is not connected"
    return found


def ports_of(pid: int) -> set[int]:
    """Local ports of a process's TCP connections."""
    links = [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()]
    inodes = {link.removeprefix("socket:[").rstrip("]") for link in links if link.startswith("socket:[")}
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(fields[1].split(":")[1], 16) for fields in lines if fields[9] in inodes}
