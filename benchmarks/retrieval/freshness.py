"""How soon a product that was written is found: the catalogue's database, a writer, and an index that follows it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.retrieval.shop import K, Shop
from benchmarks.retrieval.systems import system
from benchmarks.retrieval.systems.tandem import SPACE, Tandem
from catalogue.database import Database, Journal
from catalogue.database import Space as DatabaseSpace
from ensemble.index import Follower, Index
from ensemble.index.changes import Changes
from ensemble.index.choice import EngineChoice

SECONDS = 10.0
WRITTEN = 10_000
SEARCHES_A_SECOND = 100
LONGEST_WAIT_S = 30.0


@dataclass(frozen=True)
class Freshness:
    """From the moment at which a writer is told that an upsert is durable to the moment from which searches see it.

    Args:
        p50_ms: Median.
        p99_ms: 99th percentile.
        upserts_a_second: That were written.
        searches_a_second: That were answered meanwhile, by one thread.
    """

    p50_ms: float
    p99_ms: float
    upserts_a_second: float
    searches_a_second: float

    def figures(self) -> dict[str, Any]:
        """As ``retrieval.json`` holds them."""
        return {
            "freshness_p99_ms": round(self.p99_ms, 2),
            "freshness_p50_ms": round(self.p50_ms, 2),
            "freshness_upserts_a_second": round(self.upserts_a_second, 1),
            "freshness_searches_a_second": round(self.searches_a_second, 1),
        }


def freshness(shop: Shop, folder: Path, seconds: float = SECONDS) -> Freshness:
    """Measure over an index of a shop and a new SQLite database that its products are written to again."""
    searched = system(Tandem.name, shop, folder)
    with tempfile.TemporaryDirectory() as place:
        url = f"sqlite:///{place}/catalogue.sqlite"
        with Database.open(url, create=True) as database:
            database.register(DatabaseSpace(SPACE.space_id, SPACE.text_dim, SPACE.image_dim))
            index = Index.open(searched.folder, engine=EngineChoice("ann"))
            index.slots.catalogue_id = database.catalogue_id  # the snapshot was made before this database was
            seen = _Seen(index)
            follower = Follower(seen, Journal(url, SPACE.space_id, database.catalogue_id))
            follower.start()
            with _searching(index, shop) as count:
                start = time.monotonic()
                told = _written(url, seconds)
                follower.catch_up(max(told), LONGEST_WAIT_S)
                lasted = time.monotonic() - start
            follower.stop()
    return of(told, seen.applied, searches_a_second=count[0] / lasted)


class _Seen(Index):
    """An index that notes when searches began to see each sequence number."""

    def __init__(self, index: Index) -> None:
        super().__init__(index.slots, index.engine)
        self.applied: list[tuple[int, float]] = []

    def apply(self, changes: Changes) -> None:
        """See ``Index.apply``."""
        super().apply(changes)
        self.applied.append((self.seq, time.monotonic()))


@contextmanager
def _searching(index: Index, shop: Shop) -> Iterator[list[int]]:
    """A thread that searches meanwhile, at a steady rate."""
    stopping, count = threading.Event(), [0]

    def search() -> None:
        start = time.monotonic()
        while not stopping.wait(max(0.0, start + count[0] / SEARCHES_A_SECOND - time.monotonic())):
            index.search(shop.queries[count[0] % len(shop.queries)][None], [K])
            count[0] += 1

    thread = threading.Thread(target=search)
    thread.start()
    try:
        yield count
    finally:
        stopping.set()
        thread.join()


def _written(url: str, seconds: float) -> dict[int, float]:
    """When the writer was told of each sequence number."""
    command = [sys.executable, "-m", "benchmarks.retrieval.writer", url, str(WRITTEN), str(seconds)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    pairs = (line.split() for line in lines)
    return {int(number): float(moment) for number, moment in pairs}


def of(told: dict[int, float], applied: list[tuple[int, float]], *, searches_a_second: float) -> Freshness:
    """From when the writer was told of each number, and when each state, ascending, could be searched."""
    numbers = [number for number, _ in applied]
    waits = [max(0.0, applied[bisect_left(numbers, number)][1] - moment) for number, moment in told.items()]
    p50, p99 = (1000 * float(value) for value in np.quantile(waits, [0.5, 0.99]))
    rate = len(told) / (max(told.values()) - min(told.values()))
    return Freshness(p50, p99, rate, searches_a_second)
