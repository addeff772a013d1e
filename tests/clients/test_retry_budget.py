from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from clients.deadline import Attempts
from clients.errors import BadSetting, NoServer, QueueFull, Unavailable
from clients.retry import RetryPolicy
from clients.retry_budget import WINDOW_S, RetryBudget
from clients.url import Address

HERE = Address.parse("grpc://localhost:8001")
ALWAYS = WINDOW_S
"""Retries that a client may make in a window, however little it asks."""


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.25

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def granted(budget: RetryBudget, asked: int) -> int:
    return sum(budget.take() for _ in range(asked))


def test_a_client_that_has_hardly_asked_may_try_some_again(clock: Clock) -> None:
    assert granted(RetryBudget(0.5, clock), 50) == ALWAYS


@pytest.mark.parametrize(("share", "paid"), [(0.0, 0), (0.2, 20), (0.5, 50), (2.0, 200)])
def test_calls_pay_for_a_share_of_retries(clock: Clock, share: float, paid: int) -> None:
    budget = RetryBudget(share, clock)
    for _ in range(100):
        budget.note_call()
    assert granted(budget, 1_000) == ALWAYS + paid


def test_calls_and_retries_count_for_ten_seconds(clock: Clock) -> None:
    budget = RetryBudget(0.5, clock)
    for _ in range(100):
        budget.note_call()
    clock.now += WINDOW_S - 1
    assert granted(budget, 1_000) == ALWAYS + 50
    clock.now += 1  # the calls are too old now, the retries are not: they were more than what is always allowed
    assert granted(budget, 1_000) == 0
    clock.now += WINDOW_S - 1
    assert granted(budget, 1_000) == ALWAYS


def test_a_clock_that_stood_still_for_long_or_went_back_harms_nothing(clock: Clock) -> None:
    budget = RetryBudget(0.5, clock)
    budget.note_call()
    clock.now += 1e6
    assert granted(budget, 100) == ALWAYS
    clock.now -= 5
    assert granted(budget, 100) == 0


def test_overload_gets_little_more_than_its_own_load(clock: Clock) -> None:
    budget = RetryBudget(0.5, clock)
    retries = 0
    for _ in range(60):
        for _ in range(200):
            budget.note_call()
            retries += granted(budget, 5)  # each is refused as often as it is sent
        clock.now += 1
    assert retries / (60 * 200) == pytest.approx(0.5, abs=0.02)


def test_threads_share_one(clock: Clock) -> None:
    budget, together = RetryBudget(1.0, clock), threading.Barrier(8)

    def ask(_: int) -> int:
        together.wait()
        for _ in range(100):
            budget.note_call()
        return granted(budget, 1_000)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == ALWAYS + 800


def test_a_refused_call_is_not_tried_again_beyond_the_budget_and_says_so(clock: Clock) -> None:
    budget = RetryBudget(0.0, clock)
    policy = RetryPolicy(tries=1_000, first_pause_s=0.0)
    attempts = Attempts(HERE, policy, 60.0, budget)
    for _ in range(ALWAYS):
        attempts.pause_s(QueueFull("full"))
    with pytest.raises(QueueFull, match="full; not tried again, as too many calls of this client were refused lately"):
        attempts.pause_s(QueueFull("full"))


@pytest.mark.parametrize("kind", [Unavailable, NoServer])
def test_what_costs_a_server_nothing_needs_no_budget(clock: Clock, kind: type[Unavailable]) -> None:
    attempts = Attempts(HERE, RetryPolicy(tries=1_000, first_pause_s=0.0), 60.0, RetryBudget(0.0, clock))
    for _ in range(5 * ALWAYS):
        attempts.pause_s(kind("away"))


@pytest.mark.parametrize("share", [-0.1, float("inf"), float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(BadSetting, match="refused_share"):
        RetryPolicy(refused_share=share)
