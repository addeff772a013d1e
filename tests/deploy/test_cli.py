"""``python -m deploy serve`` as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from catalogue.database import Database
from deploy import procfs
from deploy.cli import app
from deploy.errors import RequestFailed
from tests.deploy.conftest import Traces, connect_to, processes_of, search, wait_for

ANY_PORTS = ["--http-port", "0", "--grpc-port", "0", "--metrics-port", "0", "--supervisor-port", "0"]

Serve = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "deploy", "serve", *arguments]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def state_of(store: Path) -> dict[str, Any]:
    """What ``serve.json`` says, once it is there."""
    path = store / "run" / "serve.json"
    wait_for(path.exists)
    state: dict[str, Any] = json.loads(path.read_text())
    return state


def triton_of(serve_pid: int) -> int:
    (guard,) = procfs.children(serve_pid)
    (triton,) = procfs.children(guard.pid)
    return triton.pid


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_code_0_and_nothing_is_left(store: Path, serve: Serve, number: int) -> None:
    process = serve("--store", str(store), *ANY_PORTS)
    state = state_of(store)
    assert state["pid"] == process.pid
    control = connect_to(state["grpc"])
    assert search(control, "hello") == (["p5", "q5"], [7.5, 5.0])
    control.close()
    traces = Traces(triton_of(process.pid))
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert state["grpc"] in output
    assert processes_of(store) == []
    assert traces.left() == []
    assert not (store / "run" / "serve.json").exists()


def test_a_second_signal_does_not_wait_for_requests_in_flight(store: Path, serve: Serve) -> None:
    process = serve("--store", str(store), *ANY_PORTS)
    asking = threading.Thread(target=ask_in_vain, args=(state_of(store)["grpc"],))
    asking.start()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    time.sleep(1.0)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=5)
    asking.join()
    assert processes_of(store) == []


def ask_in_vain(url: str) -> None:
    control = connect_to(url)
    with pytest.raises(RequestFailed):
        search(control, "hang", 60.0)
    control.close()


def test_when_it_is_killed_the_server_goes_with_it(store: Path, serve: Serve) -> None:
    process = serve("--store", str(store), *ANY_PORTS)
    state_of(store)
    traces = Traces(triton_of(process.pid))
    process.kill()
    process.communicate(timeout=5)
    wait_for(lambda: not processes_of(store) and not traces.left())


def test_when_the_guard_is_killed_the_server_is_started_again(store: Path, serve: Serve) -> None:
    process = serve("--store", str(store), *ANY_PORTS)
    state_of(store)
    first = triton_of(process.pid)
    traces = Traces(first)
    (guard,) = procfs.children(process.pid)
    os.kill(guard.pid, signal.SIGKILL)
    wait_for(lambda: "restarted" in (store / "run" / "events.jsonl").read_text())
    assert triton_of(process.pid) != first
    left = procfs.read(first)
    assert left is None or left.ended
    wait_for(lambda: not traces.left())


def test_without_a_release_it_says_how_to_make_one(tmp_path: Path, serve: Serve) -> None:
    process = serve("--store", str(tmp_path / "empty"))
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "holds no release: make one with `python -m export release" in output
    assert "Traceback" not in output


def test_a_missing_package_is_named(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tritonclient.grpc", None)
    for module in ("deploy.server", "deploy.control", "deploy.drain", "deploy.launch", "deploy.probe"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    result = CliRunner().invoke(app, ["serve", "--store", str(store)])
    assert result.exit_code == 1
    assert "the package tritonclient.grpc is not installed" in result.output


def test_senseless_options_are_told_without_a_traceback(store: Path, serve: Serve) -> None:
    process = serve("--store", str(store), "--shm-bytes", "1")
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "`shm_bytes` must be at least 1,048,576, got 1" in output


def test_a_milvus_is_told_without_its_password(store: Path, serve: Serve) -> None:
    milvus = ("--engine", "milvus", "--milvus", "http://root:secret@127.0.0.1:1")
    process = serve("--store", str(store), *ANY_PORTS, *milvus)
    state_of(store)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=20)
    assert "http://127.0.0.1:1; `feed` brings it up to date" in output
    assert "none: nothing can be written here, and no keeper runs" in output
    assert "secret" not in output


@pytest.mark.parametrize("arguments", [(), ("--catalogue", "")])
def test_without_a_catalogue_no_keeper_runs_and_that_is_said(store: Path, serve: Serve, arguments: list[str]) -> None:
    if arguments:
        Database.open(f"sqlite:///{store / 'catalogue.sqlite'}", create=True).close()
    process = serve("--store", str(store), *ANY_PORTS, *arguments)
    state_of(store)
    assert len(procfs.children(process.pid)) == 1
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=20)
    assert "no keeper runs" in output
    assert not (store / "run" / "keeper.log").exists()
