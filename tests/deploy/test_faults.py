"""Faults of a real Triton, and what becomes of them. None of these does Triton repair, or even report."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.errors import GaveUp, RequestFailed
from deploy.events import Kind
from deploy.server import Server
from deploy.stubs import Stub, stubs_of
from tests.deploy.conftest import FAST, Ask, Traces, connect, processes_of, search
from tests.deploy.shop import RANK


def stub_of(server: Server, instance: str) -> Stub:
    return next(stub for stub in stubs_of(server.pid) if stub.instance == instance)


def wait_for_event(server: Server, kind: Kind, timeout_s: float = 15.0) -> float:
    """Seconds until an event of this kind came."""
    started = time.monotonic()
    while not any(event.kind == kind for event in server.events):
        assert time.monotonic() - started < timeout_s, server.events
        time.sleep(0.02)
    return time.monotonic() - started


def ask_in_vain(server: Server) -> None:
    """Ask what the model never answers, until it is killed."""
    control = connect(server)
    with pytest.raises(RequestFailed, match="not healthy"):
        search(control, "hang", 60.0)
    control.close()


class Load:
    """Four clients that ask without a pause, and what they got."""

    def __init__(self, server: Server) -> None:
        self.right = self.wrong = 0
        self.last_error_at = 0.0
        self._stop = threading.Event()
        self._server = server
        self._threads = [threading.Thread(target=self._ask) for _ in range(4)]

    def _ask(self) -> None:
        control = connect(self._server)
        while not self._stop.is_set():
            try:
                if search(control, "hello", 5.0) == (["p5", "q5"], [7.5, 5.0]):
                    self.right += 1
                else:
                    self.wrong += 1
            except RequestFailed:
                self.last_error_at = time.monotonic()
            time.sleep(0.005)
        control.close()

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def load(server: Server) -> Iterator[Load]:
    with Load(server) as running:
        yield running


@pytest.mark.parametrize("instance", ["length_0_1", "rank_0_0"])
def test_a_killed_stub_comes_back_under_load(store: Path, server: Server, load: Load, instance: str) -> None:
    time.sleep(0.3)
    killed_at = time.monotonic()
    os.kill(stub_of(server, instance).pid, signal.SIGKILL)
    wait_for_event(server, "recovered")
    model = instance[:-4]
    died = next(event for event in server.events if event.kind == "stub_died")
    assert (died.model, instance in died.text) == (model, True)
    # Requests that had met the dead stub fail a second later; after that all is well again.
    time.sleep(1.5)
    before = load.right
    time.sleep(1.0)
    assert load.last_error_at - killed_at < 5.0
    assert load.right > before + 20
    assert load.wrong == 0
    assert {"stub_died", "recovered"} <= {event.kind for event in server.events}
    assert '"stub_died"' in (store / "run" / "events.jsonl").read_text()
    assert "restarting" not in {event.kind for event in server.events}


def test_all_stubs_at_once(server: Server, ask: Ask) -> None:
    for stub in stubs_of(server.pid):
        os.kill(stub.pid, signal.SIGKILL)
    wait_for_event(server, "recovered")
    assert ask("hello") == (["p5", "q5"], [7.5, 5.0])
    assert sorted(stub.instance for stub in stubs_of(server.pid)) == ["length_0_0", "length_0_1", "rank_0_0"]


def test_a_stopped_stub_comes_back(server: Server, ask: Ask) -> None:
    stopped = stub_of(server, "rank_0_0").pid
    os.kill(stopped, signal.SIGSTOP)
    assert wait_for_event(server, "recovered") < 10.0
    assert ask("hello") == (["p5", "q5"], [7.5, 5.0])
    assert stub_of(server, "rank_0_0").pid != stopped


def test_a_model_that_hangs_comes_back(server: Server, ask: Ask) -> None:
    # One for each instance: their processes look well, and do nothing.
    threads = [threading.Thread(target=ask_in_vain, args=(server,)) for _ in range(2)]
    for thread in threads:
        thread.start()
        time.sleep(0.2)
    assert wait_for_event(server, "recovered", 30.0) < 20.0
    assert {event.model for event in server.events if event.kind == "recovered"} == {"length"}
    assert ask("hello") == (["p5", "q5"], [7.5, 5.0])
    for thread in threads:
        thread.join()


def test_a_server_that_hangs_is_started_again(server: Server, ask: Ask) -> None:
    first = server.pid
    os.kill(first, signal.SIGSTOP)
    wait_for_event(server, "restarted", 30.0)
    assert server.pid != first
    assert ask("hello") == (["p5", "q5"], [7.5, 5.0])


def test_a_killed_server_is_started_again_at_the_same_address(store: Path, server: Server, ask: Ask) -> None:
    first, traces, url = server.pid, Traces(server.pid), server.grpc_url
    os.kill(first, signal.SIGKILL)
    wait_for_event(server, "restarted")
    assert traces.left() == []
    assert server.pid != first
    assert server.grpc_url == url
    assert ask("hello") == (["p5", "q5"], [7.5, 5.0])
    assert "code 137" in next(event.text for event in server.events if event.kind == "restarting")


def test_a_model_that_turns_wrong_is_never_served_for_long(store: Path) -> None:
    options = replace(FAST, reload_attempts=1, max_restarts=1)
    with Server(store, watch_options=options) as server:
        script = store / "models" / "rank" / "1" / "model.py"
        script.write_text(RANK.replace("rows[:, 0] * rows[:, 1]", "rows[:, 0] * 0"))
        os.kill(stub_of(server, "rank_0_0").pid, signal.SIGKILL)
        with pytest.raises(GaveUp, match=r"1 restarts within .*SCORE = \[0, 5\], and the release says \[7.5, 5\]"):
            server.wait()
        assert processes_of(store) == []
    kinds = [event.kind for event in server.events]
    assert kinds[-1] == "gave_up"
    assert "recovered" not in kinds


def test_a_model_that_is_loaded_anew_on_purpose_is_left_alone(server: Server, ask: Ask, store: Path) -> None:
    control = connect(server)
    (store / "models" / "rank" / "1" / "model.py").touch()
    control.load("rank", 30.0)
    time.sleep(1.0)
    assert ask("hello") == (["p5", "q5"], [7.5, 5.0])
    control.close()
    assert [event.kind for event in server.events] == ["started"]


def test_stopping_ends_a_repair(store: Path) -> None:
    with Server(store, watch_options=FAST) as server:
        traces = Traces(server.pid)
        os.kill(server.pid, signal.SIGKILL)
        wait_for_event(server, "restarting")
        started = time.monotonic()
    assert time.monotonic() - started < 5.0
    assert traces.left() == []
    assert processes_of(store) == []
