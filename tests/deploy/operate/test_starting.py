"""A server that is being started is not taken for stopped, and what the next start serves is named by one at a time."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy import serve_cli
from deploy.audit import Audit
from deploy.cli import app
from deploy.errors import Aborted, DeployError, NoRelease, SwitchBusy
from deploy.live import read_live
from deploy.operate import Operator
from deploy.operate.place import control_path, kept_stopped
from deploy.operate.pruning import locked, prune
from deploy.operate.service import ControlSocket
from deploy.operate.stopped import Stopped
from deploy.searching import Searching
from deploy.store import find_release
from deploy.switching.values import By, silent
from tests.deploy.operate.standin import StandIn
from tests.deploy.shop import make_store, write_release

ME = By("me", "to see it")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Releases 1 to 3; none was ever switched to."""
    folder = make_store(tmp_path / "var")
    for number in (2, 3):
        write_release(folder, number, versions=(number - 1, number), ids=[f"{number}5", f"{number}6"])
    return folder


def stopped() -> None:
    """No server runs."""


@pytest.mark.parametrize(
    "ask",
    [
        lambda operator: operator.status(),
        lambda operator: operator.activate(1, ME),
        lambda operator: operator.rollback(ME),
        lambda operator: operator.canary(1, 0.1, ME),
        lambda operator: operator.end_canary(ME),
    ],
)
def test_who_asks_while_it_is_started_is_told_so(store: Path, ask: Callable[[Operator], object]) -> None:
    with contextlib.closing(ControlSocket(store)) as control:
        control.open()
        with pytest.raises(SwitchBusy, match="the server is being started: try again when it is up"):
            ask(Operator(store))
        control.start(StandIn())
        ask(Operator(store))
    assert not control_path(store).exists()


def test_the_commands_leave_the_store_as_it_is_meanwhile(store: Path) -> None:
    with contextlib.closing(ControlSocket(store)) as control:
        control.open()
        for command in (("activate", "1"), ("rollback",), ("prune", "--keep", "1")):
            result = CliRunner().invoke(app, [*command, "--store", str(store)])
            assert (result.exit_code, "the server is being started" in result.stderr) == (1, True), result.output
        shown = CliRunner().invoke(app, ["status", "--store", str(store)], env={"COLUMNS": "200"}).stdout
    assert "no server answers yet; release 3 would be served, `rollback` goes to 2\njust now: the server is" in shown
    assert read_live(store) is None
    assert find_release(store, 1).number == 1


class Slow:
    """A server that reads what to serve, and is told to end while it loads."""

    def __init__(self, store: Path) -> None:
        self._store, self.said = store, ""

    def start(self) -> None:
        assert find_release(self._store).number == 3
        result = CliRunner().invoke(app, ["activate", "1", "--store", str(self._store)])
        self.said = result.stderr
        raise Aborted("the start was called off")

    def stop(self) -> None:
        """There is nothing to end."""

    request_stop = kill = stop


def test_serve_opens_the_socket_before_it_reads_what_to_serve(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Slow(store)
    monkeypatch.setattr(serve_cli, "_stop_on_signals", lambda _: None)
    serve_cli._serve(server, store, store / "log", Searching(), keep=False, trusting=False)  # type: ignore[arg-type]
    assert "the server is being started" in server.said
    assert read_live(store) is None
    assert not control_path(store).exists()


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    control = ControlSocket(tmp_path / "var")
    control.open()
    control.close()
    assert not (tmp_path / "var").exists()


def test_one_that_does_not_come_up_leaves_the_socket_of_another_one_alone(store: Path) -> None:
    with contextlib.closing(ControlSocket(store)) as first:
        first.start(StandIn())
        with contextlib.closing(ControlSocket(store)) as second:
            second.open()
            assert Operator(store).status().live == 2
        assert Operator(store).status().live == 2


def test_who_comes_up_last_has_the_socket(store: Path) -> None:
    with contextlib.closing(ControlSocket(store)) as first, contextlib.closing(ControlSocket(store)) as second:
        first.open()
        second.open()
        second.start(StandIn())
        assert Operator(store).status().live == 2
        board = StandIn()
        first.start(board)
        Operator(store).activate(4, ME)
        assert len(board.asked) == 1
        second.close()
        assert Operator(store).status().live == 2


def test_a_server_that_is_started_while_files_are_checked_is_asked_instead(store: Path) -> None:
    with (
        contextlib.closing(ControlSocket(store)) as control,
        pytest.raises(SwitchBusy, match="was started meanwhile: ask it, by the same command"),
    ):
        Stopped(store).activate(1, ME, lambda _: control.open())
    assert read_live(store) is None
    (entry,) = Audit(store).all()
    assert (entry.action, entry.before, entry.after, entry.outcome) == ("activate", 3, 1, "refused")


def test_no_server_opens_its_socket_while_the_next_release_is_written(store: Path) -> None:
    control = ControlSocket(store)
    thread = threading.Thread(target=control.open)
    with kept_stopped(store):
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
        assert not control_path(store).exists()
    thread.join(10)
    assert control_path(store).exists()
    control.close()


@pytest.mark.parametrize("switch", [lambda board: board.activate(1, ME), lambda board: board.rollback(ME)])
def test_nothing_is_switched_while_a_prune_or_an_export_works(store: Path, switch: Callable[[Stopped], object]) -> None:
    with locked(store), pytest.raises(SwitchBusy, match="an export, a prune or a switch works here"):
        switch(Stopped(store))
    assert read_live(store) is None
    assert [entry.outcome for entry in Audit(store).all()] == ["refused"]


def test_a_release_is_not_pruned_between_its_check_and_its_naming(store: Path) -> None:
    tried: list[DeployError] = []

    def tell(_: str) -> None:
        with pytest.raises(SwitchBusy) as caught:
            prune(store, 1, stopped, ME, silent)
        tried.append(caught.value)

    assert Stopped(store).activate(1, ME, tell).after == 1
    assert len(tried) == 1
    assert find_release(store).number == 1


def test_what_was_pruned_is_not_named(store: Path) -> None:
    assert prune(store, 2, stopped, ME, silent).removed == (1,)
    with pytest.raises(NoRelease, match="holds no release 1; there are: 2, 3"):
        Stopped(store).activate(1, ME)
    assert Stopped(store).rollback(ME).after == 2
    assert json.loads((store / "live.json").read_text())["previous"] is None
