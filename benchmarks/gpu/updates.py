"""Searches while ten thousand products change a second, and how soon a change is found."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.gpu.cases import K
from benchmarks.gpu.machine import Machine
from benchmarks.gpu.shop import NAMED, Floats, Shop
from benchmarks.gpu.systems.tandem import Tandem
from ensemble.index import ExactEngine, Index
from ensemble.index.columns import Kind
from ensemble.index.terms import HostTerms

NAME = "tandem-fp16-updates"
PATCHES_A_SECOND = 10_000
PATCHES_AT_ONCE = 100
# Below this a product passes the filter that is searched under; patches move products over it both ways.
PRICE = 10.0
FILTER = json.dumps({"and": [{"range": ["price", None, PRICE]}, {"eq": ["available", True]}]}).encode()
# Probes are given prices that no other product has.
PROBE_PRICE = 1_000_000.0


@dataclass(frozen=True)
class Patch:
    """A product at a new price; its row stays."""

    id: str
    document: bytes
    row: NDArray[np.float16] | None = None


@dataclass(frozen=True)
class Patches:
    """Some of them, as one state of the catalogue."""

    seq: int
    changes: list[Patch]
    kinds: dict[str, Kind] = field(default_factory=dict)
    all_rows: bool = False


class Writer:
    """Patches products in turn, and knows the last sequence number.

    Args:
        index: What is changed.
        lots: ``(products,)``: values of the attributes, which a patch repeats.
        shelves: Likewise.
    """

    def __init__(self, index: Index, lots: NDArray[np.float64], shelves: NDArray[np.float64]) -> None:
        self.index, self._lots, self._shelves = index, lots, shelves
        self._lock = threading.Lock()
        self._rng = np.random.default_rng(0)
        self._next = itertools.cycle(range(min(NAMED, len(lots))))

    def some(self, count: int) -> None:
        """Give the next products new prices, as one change."""
        prices = 1 + self._rng.integers(0, 10_000, count) / 100
        self._apply([self._patch(next(self._next), price) for price in prices.tolist()])

    def one(self, number: int, price: float) -> None:
        """Give one product a price."""
        self._apply([self._patch(number, price)])

    def _apply(self, patches: list[Patch]) -> None:
        with self._lock:
            self.index.apply(Patches(self.index.seq + 1, patches))

    def _patch(self, number: int, price: float) -> Patch:
        attributes = {"lot": self._lots[number], "shelf": self._shelves[number]}
        product = {"id": f"P{number}", "price": price, "available": True, "attributes": attributes}
        return Patch(f"P{number}", json.dumps(product).encode())


def storm(shop: Shop, machine: Machine, *, seconds: float, probes: int) -> dict[str, Any]:
    """One line of the figures. The shop's slots are changed by it.

    Args:
        shop: What is searched.
        machine: Where.
        seconds: How long it is searched without changes, and as long again with them.
        probes: How many changes are waited for.
    """
    system = Tandem(shop, 1)
    before = machine.used()
    system.open()
    index = Index(shop.slots, system.engine, system.terms)
    writer = Writer(index, *(np.array(shop.slots.stored[name].values) for name in ("lot", "shelf")))
    memory = machine.used() - before
    quiet = _searched(index, shop.queries, seconds)
    with _storming(writer) as applied:
        start = time.monotonic()
        stormy = _searched(index, shop.queries, seconds)
        seen = [_seen_after(writer, shop.queries[:1], probe) for probe in range(probes)]
        lasted = time.monotonic() - start
    failures = _wrong(index, shop.queries)
    system.close()
    return {
        "engine": NAME,
        "n": len(shop),
        "dim": shop.dim,
        "dtype": "float16",
        "batch": 1,
        "pass_rate": round(float(np.mean(shop.slots.stored["price"].values <= PRICE)), 3),
        "ms": _at(stormy, 0.5),
        "p99_ms": _at(stormy, 0.99),
        "quiet_ms": _at(quiet, 0.5),
        "quiet_p99_ms": _at(quiet, 0.99),
        "seen_p50_ms": _at(seen, 0.5),
        "seen_p99_ms": _at(seen, 0.99),
        "patches_a_second": round(applied[0] / lasted, 1),
        "roofline_fraction": None,
        "recall_at_10": 0.0 if failures else 1.0,
        "memory_gb": round(memory / 1e9, 3),
        "device": machine.name,
        "failures": failures,
    }


def _searched(index: Index, queries: Floats, seconds: float) -> list[float]:
    """Milliseconds of each search, by one thread, one query at a time."""
    taken: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end or not taken:
        query = queries[len(taken) % len(queries)][None]
        start = time.perf_counter()
        index.search(query, [K], [FILTER])
        taken.append(1000 * (time.perf_counter() - start))
    return taken


@contextmanager
def _storming(writer: Writer) -> Iterator[list[int]]:
    """A thread that patches at a steady rate; what is given counts the patches."""
    stopping, count = threading.Event(), [0]

    def patch() -> None:
        start = time.monotonic()
        while not stopping.wait(max(0.0, start + count[0] / PATCHES_A_SECOND - time.monotonic())):
            writer.some(PATCHES_AT_ONCE)
            count[0] += PATCHES_AT_ONCE

    thread = threading.Thread(target=patch)
    thread.start()
    try:
        yield count
    finally:
        stopping.set()
        thread.join()


def _seen_after(writer: Writer, query: Floats, probe: int) -> float:
    """Milliseconds from a patch to the end of the first search that finds it by its new price."""
    price = PROBE_PRICE + probe
    wanted = json.dumps({"range": ["price", price, price]}).encode()
    start = time.perf_counter()
    writer.one(probe, price)
    while not len(writer.index.search(query, [K], [wanted])[0].slots):
        pass
    return 1000 * (time.perf_counter() - start)


def _wrong(index: Index, queries: Floats) -> list[str]:
    """Where answers are not those of the engine in main memory, over the same slots."""
    exact, terms = ExactEngine(index.slots), HostTerms(index.slots)
    for number, query in enumerate(queries[:4]):
        found = index.search(query[None], [K], [FILTER])[0].slots
        right = exact.search(query[None], [K], [terms.passing(FILTER)])[0].slots
        if found.tolist() != right.tolist():
            return [f"after the storm query {number} found {found.tolist()}; {right.tolist()} is right"]
    return []


def _at(taken: list[float], share: float) -> float:
    return round(float(np.quantile(taken, share)), 3)
