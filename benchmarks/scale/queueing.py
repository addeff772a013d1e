"""Simulates queues: one server that takes what waits as a batch, and a pool of cores. Seeds make them repeatable."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.float64]
# From the first request of a batch and how many it has, to the seconds that it takes.
Service = Callable[[int, int], float]

WARMING = 10


@dataclass(frozen=True)
class Served:
    """What a simulation found, without the first tenth of its requests.

    Args:
        latency: ``(requests,)`` seconds from arrival to answer, in the order of arrival.
        busy: Share of the time that a server worked.
        batch: Requests of a batch, on average.
    """

    latency: Seconds
    busy: float
    batch: float

    def ms(self, percentile: float) -> float:
        """A percentile of the latency in milliseconds."""
        return 1e3 * float(np.percentile(self.latency, percentile))


def poisson(rate: float, count: int, seed: int) -> Seconds:
    """``(count,)`` arrival times in seconds of requests that know nothing of each other, ``rate`` a second."""
    return np.cumsum(np.random.default_rng(seed).exponential(1 / rate, count))


def batched(arrivals: Seconds, service: Service, most: int) -> Served:
    """One server that, when free, takes all that wait, at most ``most``, as one batch: Triton's batching without delay.

    Args:
        arrivals: ``(requests,)`` ascending seconds.
        service: Seconds of a batch.
        most: Largest batch.
    """
    done = np.empty_like(arrivals)
    first, free, worked, batches = 0, 0.0, 0.0, 0
    while first < len(arrivals):
        start = max(free, arrivals[first])
        waiting = int(np.searchsorted(arrivals, start, "right")) - first
        count = min(most, max(1, waiting))
        taken = service(first, count)
        free = start + taken
        done[first : first + count] = free
        first, worked, batches = first + count, worked + taken, batches + 1
    return Served(_settled(done - arrivals), worked / free, len(arrivals) / batches)


def pooled(arrivals: Seconds, service_s: float, servers: int) -> Served:
    """``servers`` that take one request after another in the order of arrival, ``service_s`` each."""
    free = [0.0] * servers
    done = np.empty_like(arrivals)
    for number, arrival in enumerate(arrivals.tolist()):
        done[number] = max(arrival, free[0]) + service_s
        heapq.heapreplace(free, done[number])
    return Served(_settled(done - arrivals), len(arrivals) * service_s / (servers * float(done.max())), 1.0)


def one_after_another(first: Served, second: Served, seed: int) -> Served:
    """Requests that pass two queues; that one is full is taken to tell nothing about the other."""
    count = min(len(first.latency), len(second.latency))
    mixed = np.random.default_rng(seed).permutation(second.latency)[:count]
    return Served(first.latency[:count] + mixed, max(first.busy, second.busy), second.batch)


def md1_latency(rate: float, service_s: float) -> float:
    """Mean latency of one server with equal services, in seconds (Pollaczek 1930, Khinchine 1932).

    Raises:
        ValueError: More arrives than can be served.
    """
    load = rate * service_s
    if load >= 1:
        raise ValueError(f"rate: {rate} a second of {service_s} s each keep one server busy {load:.0%} of the time")
    return service_s + load * service_s / (2 * (1 - load))


def _settled(latency: Seconds) -> Seconds:
    return latency[len(latency) // WARMING :]
