"""The keeper as a child: started again, ended with its parent, and no secret on its command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from catalogue.database import Database
from deploy import procfs
from deploy.errors import CannotStart
from deploy.events import EventLog
from deploy.keep import process
from deploy.keep.options import KeepOptions
from deploy.keep.process import KeeperProcess, die_with
from deploy.living import Living
from tests.deploy.conftest import wait_for

SERVER = "grpc://127.0.0.1:9"
STARTER = """
import sys, time
from pathlib import Path
from deploy.events import EventLog
from deploy.keep.options import KeepOptions
from deploy.keep.process import KeeperProcess
from deploy.living import find_living

store = Path(sys.argv[1])
keeper = KeeperProcess(
    store, find_living(store, None), "grpc://127.0.0.1:9", KeepOptions(), EventLog(store / "e")
)
keeper.start()
while keeper.pid is None:
    time.sleep(0.01)
print(keeper.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
    Database.open(address, create=True).close()
    return address


@pytest.fixture
def events(tmp_path: Path) -> EventLog:
    return EventLog(tmp_path / "events.jsonl")


@pytest.fixture
def keeper(url: str, events: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeeperProcess]:
    monkeypatch.setattr(process, "_FIRST_PAUSE_S", 0.1)
    living = Living(url, tmp_path / "snapshots")
    made = KeeperProcess(tmp_path, living, SERVER, KeepOptions(), events)
    made.start()
    wait_for(lambda: made.pid is not None)
    yield made
    made.stop()


def alive(pid: int) -> bool:
    found = procfs.read(pid)
    return found is not None and not found.ended


def test_one_that_dies_is_told_of_and_started_again(keeper: KeeperProcess, events: EventLog) -> None:
    first = keeper.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: keeper.pid not in (None, first))
    (event,) = events.all()
    assert event.kind == "keeper_died"
    assert "ended with code -9" in event.text


def test_one_that_cannot_be_started_is_told_of_and_tried_again(
    url: str, events: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_FIRST_PAUSE_S", 0.05)
    log = tmp_path / "run" / "keeper.log"
    log.mkdir(parents=True)
    keeper = KeeperProcess(tmp_path, Living(url, tmp_path / "snapshots"), SERVER, KeepOptions(), events)
    keeper.start()
    try:
        wait_for(lambda: bool(events.all()))
        assert events.all()[0].kind == "keeper_died"
        assert "the keeper cannot be started: [Errno 21] Is a directory" in events.all()[0].text
        log.rmdir()
        wait_for(lambda: keeper.pid is not None)
    finally:
        keeper.stop()


def test_it_ends_when_it_is_stopped(keeper: KeeperProcess, events: EventLog) -> None:
    pid = keeper.pid
    assert pid is not None
    keeper.stop()
    assert not alive(pid)
    assert events.all() == []


def test_what_it_is_told_of_the_catalogue_is_not_on_its_command_line(keeper: KeeperProcess, url: str) -> None:
    assert keeper.pid is not None
    wait_for(lambda: "keep" in procfs.command_line(keeper.pid or 0))
    assert url not in " ".join(procfs.command_line(keeper.pid))
    with closing(Path(f"/proc/{keeper.pid}/environ").open("rb")) as file:
        assert f"TANDEM_CATALOGUE={url}".encode() in file.read().split(b"\0")


def test_it_ends_with_the_process_that_started_it_even_by_sigkill(url: str, tmp_path: Path) -> None:
    assert url
    starter = subprocess.Popen([sys.executable, "-c", STARTER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    wait_for(lambda: os.getpriority(os.PRIO_PROCESS, pid) > 0)  # it has begun, and is nice
    starter.kill()
    starter.communicate()
    wait_for(lambda: not alive(pid))


def test_one_whose_parent_is_gone_does_not_begin() -> None:
    with pytest.raises(CannotStart, match="process 1, which started the keeper, has ended"):
        die_with(1)
