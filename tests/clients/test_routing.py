"""Which keys a release on trial gets, and when the server is asked for the share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from clients import BadInput, BadSetting, NotServed, Query, Share, TandemError, Unavailable
from clients.canary import read_share, withdrawn
from clients.errors import Behind, NoServer, QueueFull, Timeout
from clients.routing import ASK_EVERY_S, ASKING, Known, Routing

KEYED = Query("mug", k=1, key="user 7")


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_between_0_and_1(share: float) -> None:
    with pytest.raises(BadSetting, match="allowed: 0 to 1"):
        Share(share)


def test_the_share_of_the_keys_is_the_share_and_another_release_has_others() -> None:
    keys = [f"user {number}" for number in range(20_000)]
    fourth, fifth = ({key for key in keys if Share(0.1, number).takes(key)} for number in (4, 5))
    # Five standard deviations of a binomial count: sqrt(20,000 * 0.1 * 0.9) = 42, and 14 for one in a hundred.
    assert abs(len(fourth) - 2_000) < 212
    assert abs(len(fourth & fifth) - 200) < 70
    assert fourth < {key for key in keys if Share(0.2, 4).takes(key)}, "who is tried stays so while the share grows"
    assert all(Share(1.0, 4).takes(key) for key in keys)
    assert not any(Share(0.0, 4).takes(key) for key in keys)


@pytest.mark.parametrize(
    "parameters",
    [{}, {"canary_share": "0.1"}, {"canary_share": "a", "canary_release": "4"},
     {"canary_share": "1.5", "canary_release": "4"}, {"canary_share": "0.1", "canary_release": "four"}],
)  # fmt: skip
def test_what_tells_no_share_is_no_trial(parameters: Mapping[str, str]) -> None:
    assert read_share(parameters) is None


def test_which_errors_end_a_trial() -> None:
    assert [withdrawn(kind("x")) for kind in (NotServed, Unavailable)] == [True, True]
    assert not any(withdrawn(kind("x")) for kind in (QueueFull, Behind, NoServer, Timeout, BadInput))


class Server:
    """Tells a share, and counts how often it is asked."""

    def __init__(self, *answers: Mapping[str, str] | TandemError) -> None:
        self.answers, self.asked = list(answers), 0
        self.answered = threading.Semaphore(0)

    def ask(self, timeout_s: float) -> Mapping[str, str]:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        self.answered.release()
        if isinstance(answer, TandemError):
            raise answer
        return answer


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def told(share: float) -> Mapping[str, str]:
    return {"canary_share": str(share), "canary_release": "8"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("clients.routing.Known", lambda: Known(clock))
    return clock


def test_without_a_key_the_server_is_never_asked(clock: Clock) -> None:
    server = Server(told(1.0))
    routing = Routing("auto", server.ask)
    assert routing.rows([Query("mug"), Query("mug", key="")], 1.0) == []
    assert server.asked == 0


def test_the_server_is_asked_once_in_ten_seconds_and_nobody_waits_for_it_again(clock: Clock) -> None:
    server = Server(told(0.0), told(1.0))
    routing = Routing("auto", server.ask)
    for _ in range(100):
        assert routing.rows([KEYED], 1.0) == []
    assert server.asked == 1
    clock.now = ASK_EVERY_S
    server.answered.acquire()
    routing.rows([KEYED], 1.0)  # the answer may come before this returns, or after
    assert server.answered.acquire(timeout=10)
    wait_for(lambda: routing.rows([KEYED], 1.0) == [0])
    assert server.asked == 2


@pytest.mark.parametrize(
    ("error", "after"),
    [(NotServed("gone"), []), (NoServer("away"), [0]), (Timeout("late"), [0]), (QueueFull("q"), [0])],
)
def test_a_trial_that_is_gone_is_forgotten_and_one_that_cannot_be_asked_for_is_not(
    clock: Clock, error: TandemError, after: list[int]
) -> None:
    server = Server(told(1.0), error)
    routing = Routing("auto", server.ask)
    assert routing.rows([KEYED], 1.0) == [0]
    clock.now = ASK_EVERY_S
    routing.rows([KEYED], 1.0)
    for _ in range(2):
        assert server.answered.acquire(timeout=10)
    for thread in threading.enumerate():
        if thread.name == ASKING:
            thread.join()
    assert routing.rows([KEYED], 1.0) == after


def test_threads_that_come_first_wait_for_one_answer(clock: Clock) -> None:
    go = threading.Event()

    def ask(_timeout_s: float) -> Mapping[str, str]:
        go.wait(10)
        return told(1.0)

    routing = Routing("auto", ask)
    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(routing.rows, [KEYED], 10.0) for _ in range(8)]
        go.set()
        assert [one.result() for one in found] == [[0]] * 8


def test_who_waits_for_the_first_answer_waits_no_longer_than_its_deadline(clock: Clock) -> None:
    go = threading.Event()

    def ask(_timeout_s: float) -> Mapping[str, str]:
        go.wait(10)
        return told(1.0)

    routing = Routing("auto", ask)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(routing.rows, [KEYED], 10.0)
        wait_for(lambda: not routing._known.claim())
        assert routing.rows([KEYED], 0.01) == []
        go.set()
        assert first.result() == [0]


def wait_for(what: Callable[[], bool]) -> None:
    done = threading.Event()
    for _ in range(2_000):
        if what():
            return
        done.wait(0.005)
    raise AssertionError("not within 10 s")
