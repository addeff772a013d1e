"""What goes wrong in the middle of a switch, or between two."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from deploy.audit import Audit
from deploy.control import Control
from deploy.errors import RequestFailed, SwitchFailed
from deploy.live import read_live
from deploy.probe import Probe
from deploy.server import Server
from deploy.stubs import stubs_of
from tests.deploy.conftest import FAST, connect, search, wait_for
from tests.deploy.shop import write_manifest
from tests.deploy.switching.conftest import FIRST, ME, SECOND, quiet


def test_a_restart_comes_back_with_the_live_release(server: Server, control: Control) -> None:
    board = server.switchboard
    board.activate(2, ME, quiet)
    os.kill(server.pid, signal.SIGKILL)
    wait_for(lambda: "restarted" in {event.kind for event in server.events})
    assert search(control, "hello")[0] == SECOND
    wait_for(lambda: board.status().loaded == (1, 2))  # in the background
    board.rollback(ME, quiet)
    assert search(control, "hello")[0] == FIRST


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
