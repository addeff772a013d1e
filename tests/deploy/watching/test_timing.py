"""How often chance alone makes a release look slower than one that is just as fast, or hides one that is not."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from deploy.watching.bounds import Bounds
from deploy.watching.breach import Context
from deploy.watching.meter import Meter
from deploy.watching.observing import Latency
from deploy.watching.timing import slower
from tests.deploy.watching.scripted import well
from tests.deploy.watching.test_meter import made

BOUNDS = Bounds(p99_ms=300.0)
MEDIAN_MS = 100.0


def minutes(rng: np.random.Generator, requests: int, sigma: float, count: int, first_ms: float) -> list[Latency]:
    """What a meter tells of some minutes of requests whose times are log-normal."""
    meter, found = Meter(2, made(0.0), canary=False), []
    rank = math.ceil(0.99 * requests)
    # The rank-th of so many even chances, instead of all of them.
    chances = rng.beta(rank, requests - rank + 1, size=count)
    for minute in range(1, count + 1):
        p99_ms = first_ms * math.exp(sigma * NormalDist().inv_cdf(chances[minute - 1]))
        meter.add(made(60.0 * minute, p99_ms, succeeded=float(minute * requests)))
        found.append(meter.latencies(200)["search_text"])
    return found


def taken_back(rng: np.random.Generator, requests: int, sigma: float, times: float) -> bool:
    """Whether three minutes in a row of an hour look slower."""
    before = minutes(rng, requests, sigma, 10, MEDIAN_MS)[-1]
    context, row = Context(BOUNDS, well(1, latencies={"search_text": before})), 0
    for now in minutes(rng, requests, sigma, 60, times * MEDIAN_MS):
        row = row + 1 if list(slower(well(2, latencies={"search_text": now}), context)) else 0
        if row == BOUNDS.breaches_in_a_row:
            return True
    return False


@pytest.mark.parametrize("sigma", [0.6, 1.3])
@pytest.mark.parametrize("requests", [200, 1_000])
def test_a_release_that_is_as_fast_is_left_alone(requests: int, sigma: float) -> None:
    rng = np.random.default_rng(5)
    assert sum(taken_back(rng, requests, sigma, 1.0) for _ in range(10)) == 0


@pytest.mark.parametrize("sigma", [0.6, 1.3])
def test_a_release_that_is_four_times_as_slow_is_found(sigma: float) -> None:
    rng = np.random.default_rng(5)
    assert all(taken_back(rng, 1_000, sigma, 4.0) for _ in range(5))
