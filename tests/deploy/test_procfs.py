"""Processes as ``/proc`` shows them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from deploy import procfs
from deploy.procfs import Children, Process
from tests.deploy.conftest import wait_for


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def test_a_process_is_read_until_it_is_waited_for(sleeper: subprocess.Popen[bytes]) -> None:
    pid = sleeper.pid
    found = procfs.read(pid)
    assert found is not None
    assert (found.pid, found.parent, found.ended) == (pid, os.getpid(), False)
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: procfs.is_stopped(pid))
    sleeper.kill()
    wait_for(lambda: (process := procfs.read(pid)) is not None and process.ended)
    sleeper.wait()
    assert procfs.read(pid) is None


def test_processes_of_others_are_read_once(sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    asked, read = set[int](), procfs.read

    def spied(pid: int) -> Process | None:
        asked.add(pid)
        return read(pid)

    monkeypatch.setattr(procfs, "read", spied)
    children = Children(os.getpid())
    assert sleeper.pid in {child.pid for child in children.look()}
    assert {1, os.getppid(), sleeper.pid} <= asked
    asked.clear()
    with subprocess.Popen(["sleep", "600"]) as second:
        assert {sleeper.pid, second.pid} <= {child.pid for child in children.look()}
        second.kill()
    assert {sleeper.pid, second.pid} <= asked
    assert asked.isdisjoint({1, os.getpid(), os.getppid()})


def test_a_number_that_became_free_may_be_a_childs(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(procfs, "read", lambda pid: Process(pid, 1, "S"))
    children = Children(os.getpid())
    assert children.look() == []  # the number is another's child for now
    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", lambda _: ["1"])
        children.look()
    monkeypatch.setattr(procfs, "read", lambda pid: Process(pid, os.getpid(), "S"))
    assert sleeper.pid in {child.pid for child in children.look()}
