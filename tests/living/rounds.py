"""Writers, a keeper and a follower over one catalogue, killed and started again: a server's parts without a server.

``python -m tests.living.rounds FOLDER SEED ROUNDS [CATALOGUE]`` repeats by hand what ``test_crash_processes`` does.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from catalogue.database import JournalEntry
from ensemble.pipeline import Encoders
from tests.living import parts
from tests.living.parts import acknowledged, brings_vector, size
from tests.living.place import RELEASE, Left, Place
from tests.living.shop import Operation, Shop, seeded
from tests.living.twin import Change, Twin, check

WRITERS = "AB"
PATIENCE_S = 30.0


@dataclass
class Rounds:
    """Many lives over one catalogue.

    Args:
        place: Where everything lies.
        random: Decides everything.
        encoders: Of the release.
        shops: The part of each writer.
        twin: The catalogue at the end of the last life.
        pictures: The picture of each product's content.
        seen: The highest sequence number that an answer reported.
        answers: How many were held.
        writes: How many were acknowledged.
    """

    place: Place
    random: Random
    encoders: Encoders
    shops: list[Shop]
    twin: Twin = field(default_factory=Twin)
    pictures: dict[str, bytes] = field(default_factory=dict)
    seen: int = 0
    answers: int = 0
    writes: int = 0

    def live(self) -> None:
        """Start all parts, kill them, and hold what is left to what they told."""
        for record in self.place.folder.glob("*.record"):
            record.unlink()
        pids = [self._fork(lambda: parts.keep(self.place, self.encoders))]
        searches = seeded(self.random.random())
        pids.append(self._fork(lambda: parts.follow(self.place, searches, self.encoders)))
        for shop in self.shops:
            shop.random = seeded(self.random.random())
            pids.append(self._fork(partial(parts.write, self.place, shop, self.encoders)))
        try:
            self._wait_for_the_moment()
        finally:
            self.random.shuffle(pids)
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            for pid in pids:
                os.waitpid(pid, 0)
        self._hold()

    def _fork(self, part: Callable[[], None]) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            part()
        except BaseException:
            traceback.print_exc()
        os._exit(1)

    def _wait_for_the_moment(self) -> None:
        """Some time by chance, or while a snapshot is being written, or after it; always right after a change."""
        moment, waits = self.random.choice(("by chance", "in a snapshot", "after it")), self.random.uniform(0.05, 0.5)
        snapshots = self.place.snapshots_written()
        if moment == "in a snapshot":
            _wait_until(self.place.snapshot_is_written)
        elif moment == "after it":
            _wait_until(lambda: self.place.snapshots_written() > snapshots)
        else:
            time.sleep(waits)
        written = [self.place.record(shop.prefix) for shop in self.shops]
        before = sum(map(size, written))
        _wait_until(lambda: sum(map(size, written)) > before and size(self.place.record("answers")) > 0)

    def _hold(self) -> None:
        left = self.place.left(self.twin.seq)
        done = dict(entry for shop in self.shops for entry in self._done(shop, left))
        assert left.documents == {name: one for shop in self.shops for name, one in shop.documents.items()}
        self.place.hold_snapshots()
        answers = list(parts.answers(self.place.record("answers")))
        for answer in answers:
            assert answer.seq >= self.seen, f"an answer of {answer.seq} after {self.seen}"
            self.seen = answer.seq
        self.answers += check(self._changes(left.entries, done), answers, self.twin)

    def _done(self, shop: Shop, left: Left) -> Iterator[tuple[int, Operation]]:
        """The operations of a writer by their numbers; its last one may have been done, though it was not told."""
        seqs = acknowledged(self.place, shop)
        self.writes += len(seqs)
        for seq in seqs:
            operation = shop.draw()
            shop.take(operation)
            yield seq, operation
        last = shop.draw()
        after = max(seqs, default=self.twin.seq)
        for entry in left.entries:
            if entry.seq > after and (entry.product_id, entry.kind) == (last.id, last.kind):
                shop.take(last)
                yield entry.seq, last

    def _changes(self, entries: list[JournalEntry], done: dict[int, Operation]) -> list[Change]:
        """The journal in the twin's words."""
        documents = dict(self.twin.documents)
        changes = []
        for entry in entries:
            name, row = entry.product_id, None
            if entry.kind == "embed":
                (row,) = self.encoders.embed_product([documents[name]], [self.pictures[name]])
            else:
                operation = done[entry.seq]
                assert (name, entry.kind) == (operation.id, operation.kind)
                if brings_vector(operation) and operation.after is not None:
                    (row,) = self.encoders.embed_product([operation.after], [b""])
                if operation.kind == "upsert":
                    self.pictures[name] = operation.picture or b""
                if operation.after is None:
                    del documents[name]
                else:
                    documents[name] = operation.after
            changes.append(Change(entry.seq, name, documents.get(name), row))
        return changes


def _wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "a part does not do its work; what it raised stands above"
        time.sleep(0.0005)


def main(folder: str, seed: str, rounds: str, catalogue: str | None = None) -> None:
    """Live so many times; raises where something does not hold."""
    random = seeded(int(seed))
    place = Place.make(Path(folder), catalogue)
    encoders = Encoders.open(place.models, RELEASE)
    shops = [Shop(seeded(0), prefix, 25) for prefix in WRITERS]
    told = Rounds(place, random, encoders, shops)
    for _ in range(int(rounds)):
        told.live()
    snapshots = place.snapshots_written()
    assert snapshots > 0
    print(f"{rounds} rounds, {told.writes:,} changes, {told.answers:,} answers, {snapshots:,} snapshots")  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
