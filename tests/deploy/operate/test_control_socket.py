"""The operator's client and the server's socket, with a stand-in for what switches."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.errors import CannotStart, CannotSwitch, DeployError, ServerAway, SwitchBusy, SwitchFailed
from deploy.operate import Operator, service
from deploy.operate.place import connect, control_path, listen, user_name
from deploy.operate.service import ControlSocket
from deploy.operate.talk import signed
from deploy.operate.wire import Request
from deploy.switching.values import By, Switched, Tell
from tests.deploy.operate.standin import StandIn, raising, say

ME = user_name(os.geteuid())
WATCH = By("watch", "the error rate is 12%")


def test_every_command_reaches_the_switchboard_and_is_told(operator: Operator, standin: StandIn) -> None:
    told: list[str] = []
    done = operator.activate(4, WATCH, told.append)
    assert done == Switched("activate", 2, 4, 1.5, "release 4 is live")
    assert told == ["loading release 4", "moving the names"]
    operator.rollback(By(ME))
    operator.canary(3, 0.1, WATCH)
    operator.end_canary(WATCH)
    by = By(f"{ME}: watch", WATCH.why)
    assert standin.asked == [
        ("activate", 4, 0.0, by), ("rollback", 1, 0.0, By(ME)), ("canary", 3, 0.1, by), ("end_canary", 2, 0.0, by),
    ]  # fmt: skip
    assert operator.status() == standin.status()


def test_nobody_can_sign_as_another_user(operator: Operator, standin: StandIn) -> None:
    operator.rollback(By("somebody"))
    assert standin.asked[0][3].who == f"{ME}: somebody"
    assert signed("shop", "root") == "shop: root"


@pytest.mark.parametrize("kind", [CannotSwitch, SwitchBusy, SwitchFailed])
def test_an_error_is_raised_as_what_it_is(operator: Operator, standin: StandIn, kind: type[DeployError]) -> None:
    standin.during = raising(kind("release 4 has other shapes"))
    with pytest.raises(DeployError) as caught:
        operator.activate(4, WATCH)
    assert (type(caught.value), str(caught.value)) == (kind, "release 4 has other shapes")


def test_an_error_in_the_server_is_told_and_logged_and_the_next_command_is_answered(
    operator: Operator, standin: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    standin.during = raising(ZeroDivisionError("a bug"))
    with pytest.raises(DeployError, match="a bug"):
        operator.activate(4, WATCH)
    assert operator.status().live == 2
    wait_for(lambda: "ZeroDivisionError" in caplog.text)


@pytest.mark.parametrize("line", [b"not json\n", b"{}\n", b'{"command": "shutdown"}\n', b"x" * 200_000, b"{"])
def test_bad_requests_are_answered_with_the_reason_and_do_no_harm(
    place: Path, operator: Operator, standin: StandIn, line: bytes
) -> None:
    # Of a line that is too long the rest is not read: the answer may be lost with the connection.
    with contextlib.suppress(ConnectionError):
        (answer,) = say(place, line)
        assert json.loads(answer)["error"]["kind"] == "CannotSwitch"
    assert operator.status().live == 2
    assert standin.asked == []


def test_who_connects_and_says_nothing_holds_nobody_up(place: Path, operator: Operator) -> None:
    with connect(place), connect(place):
        assert operator.status().live == 2
    assert say(place, b"") == []


def test_a_switch_is_finished_though_its_caller_goes_away(
    place: Path, standin: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    gone = threading.Event()

    def wait(tell: Tell) -> None:
        assert gone.wait(10)
        for _ in range(20):  # the first may still be taken by the kernel
            tell("a step")

    standin.during = wait
    with connect(place) as connection:
        connection.sendall(Request("activate", 4).line())
        connection.recv(1)
    gone.set()
    assert standin.finished.wait(10)
    wait_for(lambda: "who asked for it has gone away: release 4 is live" in caplog.text)


def test_switches_are_asked_for_side_by_side(operator: Operator, standin: StandIn) -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda number: operator.activate(number, WATCH), range(1, 41)))
    assert [one.after for one in done] == list(range(1, 41))


def test_the_socket_is_for_its_user_alone_and_leaves_nothing(place: Path, standin: StandIn) -> None:
    path = control_path(place)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(bytes(path)) > 108
    assert {each.name for each in path.parent.iterdir()} == {"control.sock", "control.lock"}


def test_without_a_server_that_is_said(tmp_path: Path) -> None:
    for store in (tmp_path / "empty", tmp_path):
        with pytest.raises(ServerAway, match="start it with `python -m deploy serve`"):
            Operator(store).status()
        (tmp_path / "run").mkdir(exist_ok=True)


def test_what_a_killed_server_left_is_replaced(tmp_path: Path) -> None:
    listen(tmp_path).close()
    assert control_path(tmp_path).is_socket()
    with pytest.raises(ServerAway):
        Operator(tmp_path).status()
    with contextlib.closing(ControlSocket(tmp_path)) as control:
        control.start(StandIn())
        assert Operator(tmp_path).status().live == 2
    assert not control_path(tmp_path).exists()


def test_another_server_s_socket_is_not_removed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first, second = ControlSocket(tmp_path), ControlSocket(tmp_path)
    first.start(StandIn())
    assert caplog.text == ""
    second.start(StandIn())
    assert "another server over" in caplog.text
    first.close()
    assert Operator(tmp_path).status().live == 2
    second.close()
    assert not control_path(tmp_path).exists()
    second.close()


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(CannotStart, match=r"control\.sock cannot be made"):
        ControlSocket(tmp_path).start(StandIn())


def test_closing_waits_for_a_switch_that_ends(tmp_path: Path) -> None:
    control, board = ControlSocket(tmp_path), StandIn()
    begun, go = threading.Event(), threading.Event()

    def wait(_tell: Tell) -> None:
        begun.set()
        assert go.wait(10)

    board.during = wait
    control.start(board)
    with ThreadPoolExecutor(2) as pool:
        asked = pool.submit(Operator(tmp_path).activate, 4, WATCH)
        assert begun.wait(10)
        closing = pool.submit(control.close)
        wait_for(lambda: not control_path(tmp_path).exists())
        go.set()
        assert asked.result().after == 4
        closing.result()


def test_closing_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_CLOSE_TIMEOUT_S", 0.1)
    control, board, go = ControlSocket(tmp_path), StandIn(), threading.Event()

    def wait(_tell: Tell) -> None:
        assert go.wait(10)

    board.during = wait
    control.start(board)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(Operator(tmp_path).activate, 4, WATCH)
        wait_for(lambda: bool(board.asked))
        control.close()
        go.set()
        assert asked.result().after == 4


def wait_for(what: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(2_000):
        if what():
            return
        pause.wait(0.005)
    raise AssertionError("not within 10 s")
