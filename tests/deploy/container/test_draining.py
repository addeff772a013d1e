from __future__ import annotations

import threading
from collections.abc import Callable

from deploy.container.draining import wait_until_quiet
from deploy.container.settings import Times
from deploy.errors import RequestFailed

TIMES = Times(settle=5.0, drain=45.0)


class Clock:
    """Time that goes on by a second a look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def drain(finished: Callable[[float], int]) -> tuple[bool, float]:
    clock = Clock()
    quiet = wait_until_quiet(
        lambda: finished(clock.now), TIMES, threading.Event(), quiet_s=3.0, poll_s=0.0, clock=clock
    )
    return quiet, clock.now - 1.0


def test_an_idle_replica_waits_until_its_service_has_forgotten_it() -> None:
    assert drain(lambda _: 7) == (True, 5.0)


def test_traffic_is_waited_for() -> None:
    quiet, took = drain(lambda now: int(min(now, 20)))
    assert quiet
    assert took == 22.0


def test_traffic_that_never_ends_is_not_waited_for_longer_than_allowed() -> None:
    assert drain(int) == (False, 45.0)


def test_a_dead_server_is_not_waited_for() -> None:
    def dead(_: float) -> int:
        raise RequestFailed("UNAVAILABLE", "nobody there")

    assert drain(dead)[0]


def test_whoever_is_in_a_hurry_is_not_kept() -> None:
    hurry = threading.Event()
    hurry.set()
    assert not wait_until_quiet(lambda: 1, TIMES, hurry)
