"""Draining a server that is in the middle of something, which a script stands for."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from deploy import drain as draining
from deploy.control import Control
from deploy.drain import drain
from deploy.errors import RequestFailed

ENSEMBLES = ("search", "search_image", "search_text")


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Scripted(Control):
    """Three ensembles over one model; unloading one takes no time, and the requests in it ``closes_s``."""

    def __init__(self, clock: Clock, closes_s: float = 1.0) -> None:
        self.clock, self.closes_s = clock, closes_s
        self.unloaded: dict[str, float] = {}
        self.timeouts: list[float] = []
        self.on_unload: Callable[[str, float], None] = lambda model, timeout_s: None
        self.on_steps: Callable[[str], None] = lambda model: None
        self.works_s = 0.0

    def states(self) -> dict[tuple[str, int], str]:
        return {("retrieve", 3): "READY"} | {(name, 1): self._state(name) for name in ENSEMBLES}

    def ready_versions(self) -> set[tuple[str, int]]:
        return {version for version, state in self.states().items() if state == "READY"}

    def ensembles(self) -> set[str]:
        return {model for model, _ in self.ready_versions() if self.steps(model) != [model]}

    def steps(self, ensemble: str) -> list[str]:
        self.on_steps(ensemble)
        return ["retrieve"]

    def progress(self) -> dict[str, int]:
        return {"retrieve": int(min(self.clock.now, self.works_s))}

    def unload(self, model: str, timeout_s: float) -> None:
        self.timeouts.append(timeout_s)
        self.on_unload(model, timeout_s)
        self.unloaded[model] = self.clock.now

    def _state(self, name: str) -> str:
        if name not in self.unloaded:
            return "READY"
        return "UNLOADING" if self.clock.now < self.unloaded[name] + self.closes_s else "UNAVAILABLE"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(draining, "time", clock)
    return clock


@pytest.fixture
def control(clock: Clock) -> Scripted:
    return Scripted(clock)


def gone(model: str) -> RequestFailed:
    return RequestFailed("NOT_FOUND", f"Request for unknown model: '{model}' has no available versions")


def test_ensembles_are_closed_and_their_requests_waited_for(clock: Clock, control: Scripted) -> None:
    drain(control, 30.0)
    assert set(control.unloaded) == set(ENSEMBLES)
    assert 1.0 <= clock.now < 1.1


def test_what_is_only_kept_is_not_waited_for(clock: Clock, control: Scripted) -> None:
    """Triton loses count of a request, and one of its ensembles stays open for ever."""
    control.closes_s = math.inf
    drain(control, 30.0)
    assert 15.0 < clock.now < 15.2


def test_as_long_as_models_work_all_is_waited_for(clock: Clock, control: Scripted) -> None:
    control.closes_s, control.works_s = math.inf, 20.0
    drain(control, 60.0)
    assert 34.0 < clock.now < 35.2


def test_one_that_a_switch_took_away_keeps_no_other_open(clock: Clock, control: Scripted) -> None:
    """Between two looks, at its config or at the server's answer."""

    def fail(model: str, _: float = 0.0) -> None:
        if model == "search":
            raise gone(model)

    for kind in ("on_unload", "on_steps"):
        control.unloaded.clear()
        setattr(control, kind, fail)
        drain(control, 5.0)
        assert set(control.unloaded) == {"search_image", "search_text"}


def test_a_load_in_progress_takes_its_time_from_the_others(clock: Clock, control: Scripted) -> None:
    """Triton loads and unloads one model after the other: the first unload waits for what is being loaded."""

    def wait(_: str, timeout_s: float) -> None:
        clock.now += min(timeout_s, max(0.0, 10.0 - clock.now))

    control.on_unload = wait
    drain(control, 30.0)
    assert control.timeouts == [30.0, 20.0, 20.0]
    assert 11.0 <= clock.now < 11.1


def test_a_load_that_does_not_end_is_not_waited_for_longer_than_allowed(clock: Clock, control: Scripted) -> None:
    def hang(_: str, timeout_s: float) -> None:
        clock.now += timeout_s
        raise RequestFailed("DEADLINE_EXCEEDED", "Deadline Exceeded")

    control.on_unload = hang
    drain(control, 30.0)
    assert clock.now == 30.0


def test_a_server_that_does_not_answer_is_not_waited_for(control: Scripted, clock: Clock) -> None:
    def dead(_: str) -> None:
        clock.now += 5.0
        raise RequestFailed("DEADLINE_EXCEEDED", "Deadline Exceeded")

    control.on_steps = dead
    drain(control, 30.0)
    assert clock.now == 5.0
