"""Chooses each engine's setting at the recall that is asked for, then times the engines in turn within one run."""

from __future__ import annotations

import statistics
import threading
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.shop import Floats, Numbers, recall
from benchmarks.retrieval.systems import Search, System

TARGET = 0.99
THREADS = 2


@dataclass(frozen=True)
class Chosen:
    """An engine at the setting that it is timed with.

    Args:
        system: The engine.
        setting: The cheapest that reaches the target; the dearest where none does.
        recall: At ten, over all queries.
        search: One query.
    """

    system: System
    setting: int
    recall: float
    search: Search


def choose(system: System, rate: float, truth: Numbers) -> Chosen:
    """The cheapest setting that reaches the target, with the very queries that are timed; the dearest where none does.

    Raises:
        SystemExit: It found a product that does not pass the filter, or one twice.
    """
    tried: dict[int, Chosen] = {}

    def reaches(setting: int) -> bool:
        search = system.search(rate, setting)
        found = [search(query) for query in system.shop.queries]
        check(system.name, found, system.shop.mask(rate))
        tried[setting] = Chosen(system, setting, recall(found, truth), search)
        return tried[setting].recall >= TARGET

    # Recall grows with the setting, so that a few of them are enough to find the one.
    place = bisect_left(system.settings, x=True, hi=len(system.settings) - 1, key=reaches)
    if system.settings[place] not in tried:
        reaches(system.settings[place])
    return tried[system.settings[place]]


def check(name: str, found: Sequence[Numbers], mask: NDArray[np.bool_]) -> None:
    """Stop where an engine's answers are wrong, however fast they are.

    Raises:
        SystemExit: A product does not pass the filter, or is there twice.
    """
    for query, numbers in enumerate(found):
        if not mask[numbers].all() or len(np.unique(numbers)) != len(numbers):
            raise SystemExit(
                f"{name}: query {query} found what does not pass its filter, or a product twice: {numbers}"
            )


def latencies(searches: Mapping[str, Search], queries: Floats, *, rounds: int, seconds: float) -> dict[str, float]:
    """Median milliseconds of one query by one thread: the median over rounds of each round's median.

    Each round runs every engine for about ``seconds``, every other round in the opposite order.
    """
    faiss.omp_set_num_threads(1)
    taken: dict[str, list[float]] = {name: [] for name in searches}
    for number in range(rounds):
        for name in list(searches) if number % 2 == 0 else reversed(list(searches)):
            taken[name].append(_median_ms(searches[name], queries, seconds))
    return {name: statistics.median(values) for name, values in taken.items()}


def throughput(chosen: Chosen, rate: float, queries: Floats, seconds: float) -> float:
    """Queries a second with two threads: the engine's own where it has to, else two callers' for about ``seconds``."""
    batch = chosen.system.two_threads(rate, chosen.setting)
    if batch is not None:
        start, done = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            batch(queries)
            done += len(queries)
        return done / (time.perf_counter() - start)
    counts = [0] * THREADS
    threads = [
        threading.Thread(target=_ask, args=(chosen.search, queries, number, counts, seconds))
        for number in range(THREADS)
    ]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)


def _ask(search: Search, queries: Floats, number: int, counts: list[int], seconds: float) -> None:
    faiss.omp_set_num_threads(1)
    end = time.perf_counter() + seconds
    at = number * len(queries) // THREADS
    while time.perf_counter() < end:
        search(queries[at % len(queries)])
        at += 1
        counts[number] += 1


def _median_ms(search: Search, queries: Floats, seconds: float) -> float:
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(taken) < 10:
        query = queries[len(taken) % len(queries)]
        start = time.perf_counter()
        search(query)
        taken.append(1000 * (time.perf_counter() - start))
    return statistics.median(taken)
