"""Everything of a server is killed while it takes changes: what it acknowledged is there when it is back."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from clients import TandemError
from deploy.server import Server
from tests.living.hands import Hands
from tests.living.served import Served
from tests.living.shop import Shop, seeded
from tests.living.states import database_of, documents_in, documents_served
from tests.living.talk import Writer, client_of
from tests.living.twin import Document

WRITERS = 3
PATIENCE_S = 20.0


@dataclass
class Story:
    """What is known of one store over all of its lives.

    Args:
        store: The store.
        random: Decides everything.
        others: Products that nobody changes.
        shops: The part of each writer.
        acknowledged: The highest sequence number that a writer was told.
        seen: The highest sequence number that a searcher was told.
        writes: How many changes were acknowledged.
    """

    store: Path
    random: Random
    others: dict[str, Document]
    shops: list[Shop]
    acknowledged: int = 0
    seen: int = 0
    writes: int = 0

    def live(self) -> None:
        """Start the server, hold it to what was acknowledged, change things, and kill it all."""
        served = Served(self.store)
        try:
            self.hold_answers(served.url)
            writers = [Writer(client_of(served.url), shop) for shop in self.shops]
            steps = [writer.write for writer in writers]
            with (
                closing(client_of(served.url)) as client,
                Hands(*steps, lambda: self._see(client.search(text="blue", k=1).seq), forgiven=(TandemError,)),
            ):
                time.sleep(self.random.uniform(0.2, 1.5))
                _wait_for_an_acknowledgement(writers)
                served.kill(self.random)
        finally:
            served.kill(self.random)
        for writer in writers:
            writer.client.close()
        self._hold_database(writers)

    def hold_answers(self, url: str) -> None:
        """Hold a server that has just been started to what was acknowledged and seen before."""
        with client_of(url) as client:
            self._see(client.search(text="red").seq)
            seq, found = documents_served(client, self.acknowledged)
            assert seq >= self.acknowledged
            assert found == self._expected()

    def _see(self, seq: int) -> None:
        assert seq >= self.seen, f"an answer of {seq} after {self.seen} was seen"
        self.seen = seq

    def _hold_database(self, writers: list[Writer]) -> None:
        head, documents = documents_in(database_of(self.store))
        for writer in writers:
            operation = writer.in_flight
            if operation is not None and documents.get(operation.id) == operation.after:
                writer.shop.take(operation)  # done, though nobody was told
            self.acknowledged = max([self.acknowledged, *(change.seq for change in writer.changes)])
            self.writes += len(writer.changes)
        assert head >= max(self.acknowledged, self.seen)
        assert documents == self._expected()

    def _expected(self) -> dict[str, Document]:
        return self.others | {name: document for shop in self.shops for name, document in shop.documents.items()}


def _wait_for_an_acknowledgement(writers: list[Writer]) -> None:
    def count() -> int:
        return sum(len(writer.changes) for writer in writers)

    before, deadline = count(), time.monotonic() + PATIENCE_S
    while count() == before:
        assert time.monotonic() < deadline, "no change was acknowledged"
        time.sleep(0.0005)


def tell(store: Path, seed: int, rounds: int) -> None:
    """Live some times over one store, and once more in peace."""
    print(f"seed {seed}")  # noqa: T201 -- shown when the test fails
    random = seeded(seed)
    _, others = documents_in(database_of(store))
    shops = [Shop(seeded(random.random()), "ABC"[number], 30) for number in range(WRITERS)]
    story = Story(store, random, others, shops)
    for _ in range(rounds):
        story.live()
    with Server(store, watch=False) as server:
        story.hold_answers(server.grpc_url)
    assert story.writes >= rounds


def test_what_was_acknowledged_survives_a_kill(store: Path) -> None:
    tell(store, seed=4, rounds=1)


@pytest.mark.slow
def test_what_was_acknowledged_survives_many_kills(store: Path) -> None:
    tell(store, seed=40, rounds=12)
