"""Searches, upserts, patches and deletes from many threads at once: every answer is held to the twin.

``TANDEM_SOAK_S`` sets how long the slow one takes, 300 s by default.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy.keep.options import KeepOptions
from deploy.server import Server
from ensemble.pipeline import Encoders
from ensemble.settings import SpaceSettings, read
from tests.living.hands import Hands
from tests.living.shop import Shop, seeded
from tests.living.states import database_of, kinds_of_events, twin_of
from tests.living.talk import Searcher, Writer, client_of
from tests.living.twin import check

WRITERS, SEARCHERS = 3, 3
SHORT_S = 5.0
LONG_S = float(os.environ.get("TANDEM_SOAK_S", "300"))
# Snapshots all the time, so that answers come from before, after and between two of them.
KEEP = KeepOptions(snapshot_every_s=1.0, min_changes=50)


@pytest.fixture
def server(store: Path) -> Iterator[Server]:
    with Server(store, keep=KEEP) as running:
        yield running


def soak(server: Server, store: Path, encoders: Encoders, seconds: float, seed: int) -> None:
    print(f"seed {seed}")  # noqa: T201 -- shown when the test fails
    random = seeded(seed)
    space = read(store / "models" / "retrieve" / "1" / "settings.json", "space", SpaceSettings)
    start = twin_of(database_of(store), encoders)
    with ExitStack() as stack:
        clients = [stack.enter_context(client_of(server.grpc_url)) for _ in range(WRITERS + SEARCHERS)]
        writers = [
            Writer(client, Shop(seeded(random.random()), "ABC"[number], 60), encoders)
            for number, client in enumerate(clients[:WRITERS])
        ]
        searchers = [Searcher(client, seeded(random.random()), encoders, space) for client in clients[WRITERS:]]
        reader = Reader(writers[0], searchers[0])
        steps: list[Callable[[], object]] = [
            *(writer.write for writer in writers[1:]),
            *(searcher.ask for searcher in searchers[1:]),
            reader.step,
        ]
        with Hands(*steps) as hands:
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                hands.check()
                time.sleep(0.1)
    changes = [change for writer in writers for change in writer.changes]
    answers = [answer for searcher in searchers for answer in searcher.answers]
    held = check(changes, answers, start)
    print(f"{len(changes):,} changes, {held:,} answers")  # noqa: T201 -- shown when the test fails, or with -s
    assert min(len(changes), held) > 20
    assert len({answer.seq for answer in answers}) > 10, "all answers are of few states: nothing was changed meanwhile"


class Reader:
    """Writes, and asks for its own write."""

    def __init__(self, writer: Writer, searcher: Searcher) -> None:
        self._writer, self._searcher = writer, searcher

    def step(self) -> None:
        self._searcher.ask(min_seq=self._writer.write().seq)


def test_every_answer_is_right_at_its_sequence_number(server: Server, store: Path, encoders: Encoders) -> None:
    soak(server, store, encoders, SHORT_S, seed=5)


@pytest.mark.slow
def test_every_answer_stays_right_for_minutes(server: Server, store: Path, encoders: Encoders) -> None:
    soak(server, store, encoders, LONG_S, seed=50)
    assert "snapshot_written" in kinds_of_events(store)
