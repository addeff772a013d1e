"""Writers, and the server under them, are killed at random points: what was acknowledged is there, and nothing else
but perhaps the one write that was on its way, as a whole."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from catalogue.database import Database, Journal
from tests.catalogue.conftest import emptied
from tests.catalogue.making import SPACE
from tests.catalogue.twin import Twin, check
from tests.catalogue.writers import Writer
from tests.postgres import Postgres, why_not

# A round ends at a random time after a random number of writes, so that it does not end before them on a busy machine.
MOST_ACKNOWLEDGED = 6
LONGEST_S = 0.02

Kill = Callable[[], None]


@pytest.fixture
def server() -> Iterator[Postgres]:
    """A server that may be killed."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    made = Postgres()
    try:
        made.start()
        yield made
    finally:
        made.remove()


def crash(url: str, seed: int, twin: Twin, kill: Kill | None = None) -> None:
    """Kill a writer, and first what it writes to, while it writes; the twin gets what it had acknowledged."""
    random = np.random.default_rng([seed, 1])
    writer = Writer(url, seed)
    operations = writer.operations()
    acknowledged = writer.acknowledged(least=int(random.integers(MOST_ACKNOWLEDGED)))
    time.sleep(random.uniform(0, LONGEST_S))
    if kill is not None:
        kill()
    for results in acknowledged + writer.kill():
        assert results == twin.apply(operations())
    assert kill is not None or writer.process.exitcode == -signal.SIGKILL
    with Database.open(url) as database, closing(Journal(url, SPACE.space_id)) as journal:
        if database.head() != twin.seq:
            twin.apply(operations())
        check(database, journal, twin, [int(random.integers(twin.seq + 1))])


@pytest.mark.parametrize("rounds", [12, pytest.param(120, marks=pytest.mark.slow)])
def test_a_writer_to_sqlite_is_killed(tmp_path: Path, rounds: int) -> None:
    url = f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
    _made(url)
    twin = Twin()
    for seed in range(rounds):
        crash(url, seed, twin)
    assert twin.seq > rounds


@pytest.mark.parametrize("rounds", [4, pytest.param(30, marks=pytest.mark.slow)])
def test_a_writer_to_postgresql_is_killed(postgresql_url: str, rounds: int) -> None:
    _made(emptied(postgresql_url))
    twin = Twin()
    for seed in range(rounds):
        crash(postgresql_url, seed, twin)
    assert twin.seq > rounds


@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_the_server_is_killed(server: Postgres, rounds: int) -> None:
    _made(server.url())
    twin = Twin()

    def kill() -> None:
        server.kill()
        server.start()

    for seed in range(rounds):
        crash(server.url(), seed, twin, kill)
    assert twin.seq > 0


def _made(url: str) -> None:
    with Database.open(url, create=True) as database:
        database.register(SPACE)
