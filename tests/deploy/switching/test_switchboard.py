"""Releases switched on a real server, while callers ask it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from deploy.audit import Audit
from deploy.control import Control
from deploy.errors import CannotSwitch, NoRelease, RequestFailed
from deploy.live import read_live
from deploy.server import Server
from deploy.stubs import stubs_of
from deploy.switching.values import Canary
from tests.deploy.conftest import FAST, search, wait_for
from tests.deploy.shop import write_manifest, write_release
from tests.deploy.switching.conftest import FIRST, ME, SECOND, Callers, canary_answer, quiet


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


def test_an_unreadable_pointer_is_named(two: Path) -> None:
    (two / "live.json").write_text("{")
    with pytest.raises(NoRelease, match=r"live\.json cannot be read"):
        Server(two).start()
