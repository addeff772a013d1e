"""The search for the knee, on a queue whose knee is known: one server, requests that each take the same time."""

from __future__ import annotations

import numpy as np
import pytest

from loadtest.arrivals.measured import Measured
from loadtest.arrivals.profiles import steady
from loadtest.arrivals.records import OK
from loadtest.arrivals.schedule import arrivals
from loadtest.errors import BadLoad
from loadtest.knee import Search, Step, find_knee, judged
from tests.loadtest.test_arrivals import rows

SERVICE_S = 0.01
SECONDS = 60.0


def queue(rate: float) -> Measured:
    """What open arrivals at one server measure, by Lindley's recursion."""
    due = arrivals(steady(rate, SECONDS), seed=7)
    ends = np.empty(len(due))
    free = 0.0
    for place, at in enumerate(due.tolist()):
        free = max(free, at) + SERVICE_S
        ends[place] = free
    made = rows(("text",), (OK, "cut off"), due_s=due, latency_ms=1000 * (ends - due), outcome=0)
    return Measured(made, SECONDS, len(due))


@pytest.mark.parametrize("first", [5.0, 60.0, 400.0])
def test_the_knee_of_a_queue_is_found_from_below_and_from_above(first: float) -> None:
    bound_ms = 60.0
    found = find_knee(lambda rate: judged(queue(rate), bound_ms), Search(first, bound_ms, within=0.03))
    assert found.found
    # M/D/1: about 70 a second, where exp(-2 (1 - r) / r * 5) = 0.01 / r; the server is full at 100
    assert judged(queue(found.rps), bound_ms).carried
    assert not judged(queue(found.rps * 1.07), bound_ms).carried
    assert 60 < found.rps < 80


def test_a_rate_that_piles_up_is_not_carried_whatever_its_percentiles() -> None:
    step = judged(queue(150), p99_ms=1e9)
    assert step.achieved_rps == pytest.approx(100, rel=0.02)
    assert not step.carried


def test_a_server_that_carries_all_has_a_knee_that_is_higher() -> None:
    found = find_knee(lambda rate: Step(rate, rate, 1.0, carried=True), Search(10, 100, factor=2, most_rps=100))
    assert (found.rps, found.found) == (80, False)


def test_a_server_that_carries_nothing_has_none() -> None:
    found = find_knee(lambda rate: Step(rate, 0, float("nan"), carried=False), Search(10, 100, factor=5))
    assert (found.rps, found.found) == (0, True)


@pytest.mark.parametrize("wrong", [{"first_rps": 0}, {"p99_ms": float("nan")}, {"factor": 1}, {"most_rps": 1}])
def test_a_search_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadLoad, match=f"{next(iter(wrong))}: .*allowed"):
        Search(**{"first_rps": 10, "p99_ms": 100, **wrong})
