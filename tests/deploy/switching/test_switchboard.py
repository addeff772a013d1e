"""Releases switched on a real server, while callers ask it."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from deploy.audit import Audit
from deploy.control import Control
from deploy.errors import CannotSwitch, NoRelease, RequestFailed, SwitchBusy, SwitchFailed
from deploy.events import EventLog
from deploy.live import read_live
from deploy.probe import Probe
from deploy.server import Server
from deploy.stubs import stubs_of
from deploy.switching.turns import Turn, Turns
from deploy.switching.values import By, Canary
from tests.deploy.conftest import FAST, connect, search, wait_for
from tests.deploy.shop import write_manifest, write_release

ME = By("test", "to see it")
FIRST, SECOND = ["p5", "q5"], ["r5", "s5"]


def quiet(_: str) -> None:
    """Nobody listens."""


@pytest.fixture
def two(store: Path) -> Path:
    """A store with releases 1 and 2, which answer differently."""
    write_release(store, 2, versions=(2,), ids=SECOND)
    return store


@pytest.fixture
def server(two: Path) -> Iterator[Server]:
    """Serves release 1 of them."""
    with Server(two, release=1, watch_options=FAST) as running:
        yield running


@pytest.fixture
def control(server: Server) -> Iterator[Control]:
    connection = connect(server)
    yield connection
    connection.close()


class Callers:
    """Asks the server without a break, and keeps what it answers."""

    def __init__(self, url: str, model: str = "search_text") -> None:
        self.answers: list[tuple[str, ...]] = []
        self.errors: list[str] = []
        self._model, self._stop = model, threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(url,)) for _ in range(3)]

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, url: str) -> None:
        host, port = url.removeprefix("grpc://").split(":")
        control = Control(host, int(port))
        while not self._stop.is_set():
            try:
                self.answers.append(tuple(search(control, "hello")[0]))
            except RequestFailed as error:
                self.errors.append(str(error))
        control.close()


def canary_answer(control: Control) -> list[str]:
    outputs = control.infer("search_text_canary", {"TEXT": np.array([[b"hello"]], object)}, 10.0)
    return [value.decode() for value in outputs["PRODUCT_ID"][0]]


def test_callers_notice_nothing_but_the_answer(server: Server, control: Control, two: Path) -> None:
    board, kept = server.switchboard, {stub.pid for stub in stubs_of(server.pid)}
    with Callers(server.grpc_url) as callers:
        for _ in range(3):
            assert board.activate(2, ME, quiet).after == 2
            assert search(control, "hello")[0] == SECOND
            assert board.rollback(ME, quiet).after == 1
            assert search(control, "hello")[0] == FIRST
    assert not callers.errors
    assert set(callers.answers) == {tuple(FIRST), tuple(SECOND)}
    assert kept <= {stub.pid for stub in stubs_of(server.pid)}
    assert board.status().loaded == (1, 2)
    assert [(entry.action, entry.before, entry.after, entry.outcome) for entry in Audit(two).all()] == [
        ("activate", 1, 2, "done"),
        ("rollback", 2, 1, "done"),
    ] * 3
    assert all(entry.who == "test" and entry.why == "to see it" for entry in Audit(two).all())


def test_what_is_live_outlives_the_server(server: Server, two: Path) -> None:
    server.switchboard.activate(2, ME, quiet)
    server.switchboard.rollback(ME, quiet)
    live = read_live(two)
    assert live is not None
    assert (live.release, live.previous) == (1, None)
    server.stop()
    with Server(two, watch_options=FAST) as again:
        assert again.release == 1


def test_a_restart_comes_back_with_the_live_release(server: Server, control: Control) -> None:
    board = server.switchboard
    board.activate(2, ME, quiet)
    os.kill(server.pid, signal.SIGKILL)
    wait_for(lambda: "restarted" in {event.kind for event in server.events})
    assert search(control, "hello")[0] == SECOND
    wait_for(lambda: board.status().loaded == (1, 2))  # in the background
    board.rollback(ME, quiet)
    assert search(control, "hello")[0] == FIRST


def test_a_share_of_the_callers_can_ask_another_release(server: Server, control: Control) -> None:
    board = server.switchboard
    board.canary(2, 0.25, ME, quiet)
    assert board.status().canary == Canary(2, 0.25)
    assert search(control, "hello")[0] == FIRST
    assert canary_answer(control) == SECOND
    board.canary(2, 0.5, ME, quiet)
    assert board.status().canary == Canary(2, 0.5)
    with pytest.raises(CannotSwitch, match="release 1 is live already"):
        board.canary(1, 0.5, ME, quiet)
    board.activate(2, ME, quiet)
    assert board.status().canary is None
    with pytest.raises(RequestFailed, match="unknown model"):
        canary_answer(control)
    assert search(control, "hello")[0] == SECOND


def test_a_canary_is_ended(server: Server, control: Control, two: Path) -> None:
    board = server.switchboard
    with pytest.raises(CannotSwitch, match="no release is on trial"):
        board.end_canary(ME, quiet)
    board.canary(2, 1.0, ME, quiet)
    write_release(two, 3, versions=(3,), ids=FIRST)
    with pytest.raises(CannotSwitch, match="release 2 is on trial; end that first"):
        board.activate(3, ME, quiet)
    board.end_canary(ME, quiet)
    with pytest.raises(RequestFailed):
        canary_answer(control)
    board.canary(2, 1.0, ME, quiet)
    os.kill(server.pid, signal.SIGKILL)
    wait_for(lambda: [event.kind for event in server.events].count("canary_ended") == 2)
    assert board.status().canary is None
    assert Audit(two).all()[-1].who == "deploy"


def test_what_cannot_be_switched_to_leaves_all_as_it_is(server: Server, control: Control, two: Path) -> None:
    board = server.switchboard
    for number in (3, 4, 5, 6):
        write_release(two, number, versions=(number,), ids=SECOND)
    shape = two / "releases" / "0003" / "models" / "rank" / "config.pbtxt"
    shape.write_text(shape.read_text().replace("dims: [ 2 ]", "dims: [ 3 ]"))
    (two / "models" / "rank" / "4" / "model.py").write_text("raise RuntimeError('broken on purpose')")
    (two / "models" / "rank" / "6" / "model.py").write_text("def nonsense(")
    reasons = {
        3: "cannot stand side by side: `rank`",
        4: "broken on purpose",
        5: "answers PRODUCT_ID",
        6: "cannot be compiled",
        7: "holds no release 7; there are: 1, 2, 3, 4, 5, 6",
        1: "is live already",
    }
    (two / "releases" / "0005" / "probe" / "probe.json").write_text(
        (two / "releases" / "0005" / "probe" / "probe.json").read_text().replace("r5", "x5")
    )
    for number in (3, 4, 5, 6):
        write_manifest(two, number)
    with Callers(server.grpc_url) as callers:
        for number, reason in reasons.items():
            with pytest.raises(CannotSwitch, match=reason):
                board.activate(number, ME, quiet)
            assert search(control, "hello")[0] == FIRST
            assert board.status().live == 1
    assert not callers.errors
    assert set(callers.answers) == {tuple(FIRST)}
    assert read_live(two) is None
    assert {entry.outcome for entry in Audit(two).all()} == {"refused"}
    board.activate(2, ME, quiet)
    assert search(control, "hello")[0] == SECOND


def test_there_may_be_nothing_to_go_back_to(server: Server) -> None:
    with pytest.raises(CannotSwitch, match="no release before 1 to go back to"):
        server.switchboard.rollback(ME, quiet)


def test_the_release_before_is_loaded_in_the_background(two: Path) -> None:
    with Server(two, watch_options=FAST) as newest:
        assert newest.release == 2
        wait_for(lambda: newest.switchboard.status().loaded == (1, 2))
        assert newest.switchboard.rollback(ME, quiet).after == 1


def test_a_release_that_does_not_stay_up_is_left(two: Path, server: Server, control: Control) -> None:
    server.switchboard.activate(2, ME, quiet)
    broken = two / "models" / "rank" / "2" / "model.py"
    broken.write_text("raise RuntimeError('broken on purpose')")
    os.kill(server.pid, signal.SIGKILL)
    wait_for(lambda: "restarted" in {event.kind for event in server.events}, 120.0)
    assert search(control, "hello")[0] == FIRST
    assert server.release == 1
    assert "fell_back" in {event.kind for event in server.events}
    assert Audit(two).all()[-1].action == "fall_back"


def test_a_release_that_ends_the_server_is_not_held_in_reserve(two: Path) -> None:
    poison = two / "models" / "rank" / "1" / "model.py"
    poison.write_text("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n")
    with Server(two, release=2, watch_options=FAST) as server:
        wait_for(lambda: [event.kind for event in server.events].count("restarted") == 2, 120.0)
        time.sleep(5.0)  # a third attempt would have come by now
        assert [event.kind for event in server.events].count("restarting") == 2
        assert {"fell_back", "gave_up"}.isdisjoint(event.kind for event in server.events)
        control = connect(server)
        assert search(control, "hello")[0] == SECOND
        control.close()


def test_a_release_nobody_asks_is_let_go_of_when_its_processes_die(two: Path) -> None:
    with Server(two, release=2, watch_options=FAST) as server:
        board = server.switchboard
        wait_for(lambda: board.status().loaded == (1, 2))
        live = {stub.pid for stub in stubs_of(server.pid) if stub.version == 2}
        time.sleep(2.0)  # the watch learns of new processes at its eighth look
        os.kill(next(stub.pid for stub in stubs_of(server.pid) if stub.version == 1), signal.SIGKILL)
        wait_for(lambda: board.status().loaded == (2,))
        wait_for(lambda: "standby_failed" in {event.kind for event in server.events})
        assert live == {stub.pid for stub in stubs_of(server.pid) if stub.version == 2}
        assert "recovered" not in {event.kind for event in server.events}
        board.rollback(ME, quiet)  # who asks for it gets it


def test_a_switch_in_the_middle_of_a_round_of_probes_is_no_fault(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        path = two / "releases" / f"{number:04d}" / "probe" / "probe.json"
        content = json.loads(path.read_text())
        path.write_text(json.dumps({"requests": content["requests"] * 2}))
        write_manifest(two, number)
    asked = threading.Semaphore(0)
    switched = threading.Event()
    send = Probe.send

    def held_up(probe: Probe, control: Control, timeout_s: float) -> None:
        if threading.current_thread().name == "watch-answers" and not switched.is_set():
            send(probe, control, timeout_s)
            asked.release()
            switched.wait(60.0)
            return
        send(probe, control, timeout_s)

    with Server(two, release=1, watch_options=FAST) as server:
        monkeypatch.setattr(Probe, "send", held_up)
        assert asked.acquire(timeout=30.0)
        server.switchboard.activate(2, ME, quiet)
        switched.set()
        time.sleep(2.0)  # some rounds of probes
        kinds = {event.kind for event in server.events}
    assert "probe_failed" not in kinds


def test_names_of_two_releases_are_not_left_behind(server: Server, control: Control, two: Path) -> None:
    """The second name fails to move, and to move back: the server is started anew with what was live."""
    board = server.switchboard
    board.activate(2, ME, quiet)
    board.rollback(ME, quiet)
    load, failures = Control.load, iter([True, True])

    def failing(self: Control, model: str, timeout_s: float) -> None:
        if model == "search_text" and next(failures, False):
            raise RequestFailed("INTERNAL", "on purpose")
        load(self, model, timeout_s)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Control, "load", failing)
        with pytest.raises(SwitchFailed, match="release 2 was not switched to, release 1 stays live"):
            board.activate(2, ME, quiet)
    wait_for(lambda: "restarted" in {event.kind for event in server.events})
    assert search(control, "hello")[0] == FIRST
    live = read_live(two)
    assert live is not None
    assert live.release == board.status().live == 1
    assert Audit(two).all()[-1].outcome == "failed"


def test_a_refused_switch_leaves_canary_and_pointer_as_they_were(server: Server, two: Path) -> None:
    board = server.switchboard
    board.canary(2, 0.5, ME, quiet)
    path = two / "releases" / "0002" / "probe" / "probe.json"
    path.write_text(path.read_text().replace("r5", "x5"))
    write_manifest(two, 2)
    with pytest.raises(CannotSwitch, match="answers PRODUCT_ID"):
        board.activate(2, ME, quiet)
    assert board.status().canary == Canary(2, 0.5)
    assert read_live(two) is None
    board.end_canary(ME, quiet)
    assert board.status().loaded == (1,)


def test_one_switch_waits_for_what_is_done_in_the_background_and_others_are_refused(tmp_path: Path) -> None:
    turns = Turns(Audit(tmp_path), EventLog(tmp_path / "events.jsonl"), threading.Event())
    told, done = list[str](), list[str]()

    def switch() -> None:
        with turns.take(told.append, lambda: Turn("activate", 1, 2, ME, quiet)):
            done.append("switched")

    with turns.background("busy") as mine:
        assert mine
        with turns.background("busier") as again:
            assert not again
        waiting = threading.Thread(target=switch)
        waiting.start()
        wait_for(lambda: bool(told))
        with pytest.raises(SwitchBusy, match="another switch is being made: busy"):
            switch()
        assert not done
    waiting.join()
    assert (told, done) == (["waiting, since the server is busy"], ["switched"])
    with pytest.raises(ZeroDivisionError), turns.take(quiet, lambda: Turn("rollback", 2, 1, ME, quiet)):
        _ = 1 / 0
    assert [(entry.action, entry.outcome) for entry in Audit(tmp_path).all()] == [("rollback", "failed")]
    assert turns.doing is None


def test_an_unreadable_pointer_is_named(two: Path) -> None:
    (two / "live.json").write_text("{")
    with pytest.raises(NoRelease, match=r"live\.json cannot be read"):
        Server(two).start()
