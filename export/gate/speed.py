"""How long candidates take, side by side: in turn within every round, so that a noisy moment meets all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, islice
from typing import Any

from export.gate.preparation import Feed, Prepare
from export.gate.trial import Raw
from export.gate.values import BATCHES

Run = Callable[[Feed], Any]

MIN_ROUNDS = 3
MAX_ROUNDS = 200
WARM_UP = 2
# Batches that a round takes one of: single inputs differ most.
FEEDS = {1: 8, 8: 4, 32: 2}


def feeds(raws: Sequence[Raw], served: Prepare) -> dict[int, list[Feed]]:
    """Real inputs in batches of each size, as served; repeated where they are too few."""
    made = {}
    for batch in BATCHES:
        endless = cycle(raws)
        made[batch] = [served(list(islice(endless, batch))) for _ in range(FEEDS[batch])]
    return made


def milliseconds(
    runs: Sequence[Run], given: Mapping[int, Sequence[Feed]], *, seconds: float, advance: Callable[[int], None]
) -> list[dict[int, float]]:
    """Median milliseconds by batch, for each of ``runs``.

    Args:
        runs: All that are compared.
        given: Batches by size.
        seconds: Spent on each of ``runs`` at each size, about; ``MIN_ROUNDS`` are made in any case.
        advance: Told of each size that is done.
    """
    medians: list[dict[int, float]] = [{} for _ in runs]
    for batch, some in given.items():
        for run in runs:
            for number in range(WARM_UP):
                run(some[number % len(some)])
        for found, taken in zip(medians, _rounds(runs, some, seconds * len(runs)), strict=True):
            found[batch] = 1000 * statistics.median(taken)
        advance(1)
    return medians


def _rounds(runs: Sequence[Run], some: Sequence[Feed], budget: float) -> list[list[float]]:
    """Seconds of every run; all see the same batches, and each comes first as often as the others."""
    taken: list[list[float]] = [[] for _ in runs]
    places = range(len(runs))
    end = time.perf_counter() + budget
    for number in range(MAX_ROUNDS):
        if number >= MIN_ROUNDS and time.perf_counter() > end:
            break
        for place in places:
            at = (place + number) % len(runs)
            start = time.perf_counter()
            runs[at](some[number % len(some)])
            taken[at].append(time.perf_counter() - start)
    return taken
