"""The simulated queues: against closed forms, and what must hold for any arrivals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.scale.queueing import batched, md1_latency, one_after_another, poisson, pooled


def waited_ms(latency: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    return 1e3 * float(latency.mean())


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_batches_of_one_are_the_queue_with_a_closed_form(load: float) -> None:
    served = batched(poisson(1_000 * load, 100_000, seed=1), lambda first, count: 0.001 * count, most=1)
    assert waited_ms(served.latency) == pytest.approx(1e3 * md1_latency(1_000 * load, 0.001), rel=0.05)
    assert served.busy == pytest.approx(load, rel=0.02)
    assert served.batch == 1.0


@pytest.mark.parametrize("load", [0.3, 0.8])
def test_a_pool_of_one_core_is_the_same_queue(load: float) -> None:
    arrivals = poisson(200 * load, 20_000, seed=2)
    one = batched(arrivals, lambda first, count: 0.005, most=1)
    assert pooled(arrivals, 0.005, 1).latency == pytest.approx(one.latency)


def test_a_queue_that_grows_for_ever_has_no_mean() -> None:
    with pytest.raises(ValueError, match="rate: 200 a second"):
        md1_latency(200, 0.005)


def test_batches_share_a_scan_and_so_keep_up_where_one_after_another_would_not() -> None:
    arrivals = poisson(2_000, 20_000, seed=3)
    served = batched(arrivals, lambda first, count: 0.002, most=64)
    assert served.batch == pytest.approx(4, rel=0.15)
    assert served.ms(99) <= 4.0
    assert batched(arrivals, lambda first, count: 0.002, most=1).ms(50) > 1_000


@settings(max_examples=50, deadline=None)
@given(
    gaps=st.lists(st.floats(0, 5), min_size=1, max_size=60),
    taken=st.floats(0.1, 4),
    most=st.integers(1, 8),
)
def test_batches_keep_the_order_of_arrival(gaps: list[float], taken: float, most: int) -> None:
    seen: list[tuple[int, int]] = []

    def service(first: int, count: int) -> float:
        seen.append((first, count))
        return taken

    arrivals = np.cumsum(gaps)
    served = batched(arrivals, service, most)
    assert [first for first, _ in seen] == np.cumsum([0, *(count for _, count in seen[:-1])]).tolist()
    assert sum(count for _, count in seen) == len(gaps)
    assert max(count for _, count in seen) <= most
    assert served.latency.min() >= taken - 1e-9


def test_more_cores_never_make_anyone_wait_longer() -> None:
    arrivals = poisson(900, 5_000, seed=4)
    slow, quick = (pooled(arrivals, 0.005, cores) for cores in (6, 12))
    assert (quick.latency <= slow.latency + 1e-12).all()


def test_two_queues_add_up() -> None:
    arrivals = poisson(100, 4_000, seed=6)
    first, second = pooled(arrivals, 0.005, 1), pooled(arrivals, 0.002, 1)
    both = one_after_another(first, second, seed=7)
    assert both.latency.mean() == pytest.approx(first.latency.mean() + second.latency.mean())
    assert both.busy == max(first.busy, second.busy)
