"""Systems that answer the same batches, timed in turn within one run; medians of rounds and ratios are reported."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

Feed = Mapping[str, NDArray[Any]]
System = Callable[[Feed], NDArray[np.float32]]
WARM_RUNS = 10


@dataclass(frozen=True)
class Faithfulness:
    """How near a system's vectors are to the reference's.

    Args:
        cosine_mean: Over all inputs.
        cosine_p01: First percentile.
        cosine_min: Worst input.
        batch_distance: Largest difference of a component between an input alone and among others.
    """

    cosine_mean: float
    cosine_p01: float
    cosine_min: float
    batch_distance: float


def faithfulness(system: System, feed: Feed, reference: NDArray[np.float32], *, alone: int = 8) -> Faithfulness:
    """Compare a system with unit vectors of a reference.

    Args:
        system: Gives ``(batch, dim)`` unit vectors.
        feed: All inputs, one batch.
        reference: ``(batch, dim)``.
        alone: How many inputs are also asked for one by one.

    Raises:
        ValueError: There are no inputs, a value is not finite, or the vectors have another shape.
    """
    vectors = system(feed)
    if not len(reference) or vectors.shape != reference.shape:
        raise ValueError(f"vectors of shape {vectors.shape} cannot be compared with {reference.shape}")
    if not np.isfinite(vectors).all() or not np.isfinite(reference).all():
        raise ValueError("vectors hold values that are not finite")
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(reference, axis=1)
    cosines = (vectors * reference).sum(axis=1) / np.maximum(lengths, np.finfo(np.float32).tiny)
    single = np.concatenate([system(part(feed, at, 1)) for at in range(min(alone, len(reference)))])
    distance = float(np.abs(single - vectors[: len(single)]).max())
    return Faithfulness(
        float(cosines.mean()), float(np.quantile(cosines, 0.01)), float(cosines.min()), batch_distance=distance
    )


def part(feed: Feed, start: int, rows: int) -> Feed:
    """Some rows of a batch; the first again where it ends."""
    whole = len(next(iter(feed.values())))
    chosen = np.arange(start, start + rows) % whole
    return {name: array[chosen] for name, array in feed.items()}


def measure(
    systems: Mapping[str, System], feed: Feed, batches: Sequence[int], *, rounds: int, seconds: float
) -> dict[str, dict[str, float]]:
    """Median milliseconds of a run, ``{"b1": {"system": ms}}``.

    Each round runs every system for about ``seconds`` a batch size; every other round in the opposite order, so that
    what warms or throttles the machine meets all alike.
    """
    found: dict[str, dict[str, float]] = {}
    for batch in batches:
        feeds = [part(feed, start, batch) for start in range(0, 4 * batch, batch)]
        for system in systems.values():
            for some in islice(cycle(feeds), WARM_RUNS):
                system(some)
        taken: dict[str, list[float]] = {name: [] for name in systems}
        for number in range(rounds):
            for name in list(systems) if number % 2 == 0 else reversed(list(systems)):
                taken[name].append(_median_ms(systems[name], feeds, seconds))
        found[f"b{batch}"] = {name: round(statistics.median(values), 4) for name, values in taken.items()}
    return found


def ratios(milliseconds: Mapping[str, Mapping[str, float]], base: str) -> dict[str, dict[str, float]]:
    """Each system's time over that of ``base``; below 1 is faster."""
    return {
        batch: {name: round(value / values[base], 4) for name, value in values.items()}
        for batch, values in milliseconds.items()
    }


def _median_ms(system: System, feeds: Sequence[Feed], seconds: float) -> float:
    taken, end = [], time.perf_counter() + seconds
    for some in cycle(feeds):
        start = time.perf_counter()
        system(some)
        taken.append(1000 * (time.perf_counter() - start))
        if time.perf_counter() >= end:
            break
    return statistics.median(taken)
