"""Times systems in turn within one run: each sample of one is followed by one of every other."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.gpu.cases import Case
from benchmarks.gpu.machine import Machine
from benchmarks.gpu.shop import Numbers, Shop
from benchmarks.gpu.systems.base import Search, Whole, Work

WARM = 3


@dataclass(frozen=True)
class Times:
    """Milliseconds of one system.

    Args:
        ms: Median of the whole call, from queries in main memory to slots there.
        p95_ms: 95th percentile of it.
        device_ms: Median of the device's part alone, by CUDA's events; None where it cannot be told apart.
        graph_ms: The same replayed as a CUDA graph; None where it cannot be captured.
        fresh_ms: Median of the whole call under filters that were never asked before; None where there are none.
    """

    ms: float
    p95_ms: float
    device_ms: float | None
    graph_ms: float | None
    fresh_ms: float | None


@dataclass(frozen=True)
class Samples:
    """What was measured of one system so far, in milliseconds."""

    search: Search
    whole: list[float]
    device: list[float]
    graph: list[float]
    fresh: list[float]

    @classmethod
    def none(cls, search: Search) -> Samples:
        """Before the first one."""
        return cls(search, [], [], [], [])

    def take(self, first: int, machine: Machine) -> None:
        """One more of each kind, with the batch that begins at a query."""
        self.whole.append(_waited(self.search.whole, first))
        for work, taken in ((self.search.device, self.device), (self.search.graph, self.graph)):
            if work is not None:
                taken.append(_on_device(work, first, machine))
        if self.search.fresh is not None:
            self.fresh.append(_waited(self.search.fresh, first))

    def times(self) -> Times:
        """Of all of them."""
        p95 = float(np.quantile(self.whole, 0.95))
        return Times(float(np.median(self.whole)), p95, *map(_median, (self.device, self.graph, self.fresh)))


def timed(searches: Mapping[str, Search], shop: Shop, case: Case, machine: Machine, *, rounds: int) -> dict[str, Times]:
    """Time every system in each round, every other round in the opposite order."""
    samples = {name: Samples.none(search) for name, search in searches.items()}
    starts = range(0, len(shop.queries) - case.batch + 1, case.batch)
    for one in samples.values():
        warm = Samples.none(one.search)
        for number in range(0 if machine.is_interpreted else WARM):
            warm.take(starts[number % len(starts)], machine)
    for number in range(rounds):
        for name in list(samples) if number % 2 == 0 else reversed(list(samples)):
            samples[name].take(starts[number % len(starts)], machine)
    return {name: one.times() for name, one in samples.items()}


def answers(search: Search, shop: Shop, case: Case) -> Numbers:
    """``(queries, K)``: what a system finds for all queries, a batch at a time."""
    return np.concatenate([search.whole(first) for first in range(0, len(shop.queries), case.batch)])


def _waited(whole: Whole, first: int) -> float:
    start = time.perf_counter()
    whole(first)
    return 1000 * (time.perf_counter() - start)


def _on_device(work: Work, first: int, machine: Machine) -> float:
    return machine.milliseconds(lambda: work(first))


def _median(taken: list[float]) -> float | None:
    return float(np.median(taken)) if taken else None
