"""A secret argument, over a small program that stands for the server."""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy import concealing, procfs
from deploy.secret import PLACEHOLDER, Secret

SECRET = "s3cret-" * 6
# Looks at itself first of all, as an onlooker would at its very start
TELL = """
import json, os, sys
proc = {name: open(f"/proc/self/{name}", "rb").read().decode() for name in ("cmdline", "environ")}
told = {"arguments": sys.argv[1:], **proc, "variable": os.environ["TOLD"], "file": sys.executable}
json.dump(told, open(sys.argv[1], "w"))
"""


def run(path: Path, *arguments: str, secret: str = SECRET) -> tuple[concealing.Started, dict[str, Any]]:
    command = [sys.executable, "-c", TELL, str(path), *arguments]
    started = concealing.start(command, PLACEHOLDER, secret, lambda: os.environ.update(TOLD="yes"))
    assert os.waitpid(started.pid, 0)[1] == 0
    return started, json.loads(path.read_text())


def test_the_program_reads_it_and_nobody_else(tmp_path: Path) -> None:
    started, told = run(tmp_path / "told", f"--a=x:{PLACEHOLDER}", "", "ä", f"--b={PLACEHOLDER}")
    assert started.concealed
    assert started.status is None
    assert told["arguments"][1:] == [f"--a=x:{SECRET}", "", "ä", f"--b={SECRET}"]
    assert told["variable"] == "yes"
    assert told["file"] == sys.executable
    assert SECRET not in told["cmdline"] + told["environ"]
    assert told["cmdline"].split("\0")[4:-1] == [f"--a=x:{PLACEHOLDER}", "", "ä", f"--b={PLACEHOLDER}"]


@pytest.mark.parametrize("count", [0, 1, 2, 500])
def test_any_number_of_arguments_and_any_length(tmp_path: Path, count: int) -> None:
    _, told = run(tmp_path / "told", *[f"{PLACEHOLDER}{number}" for number in range(count)], secret="x" * (count + 1))
    assert told["arguments"][1:] == [f"{'x' * (count + 1)}{number}" for number in range(count)]


def test_no_onlooker_ever_sees_it() -> None:
    for _ in range(20):
        command = ["/bin/sleep", "60"]
        started = concealing.start([*command[:1], PLACEHOLDER], PLACEHOLDER, "60", lambda: None)
        try:
            for _ in range(50):
                assert procfs.command_line(started.pid) == ["/bin/sleep", PLACEHOLDER]
        finally:
            os.kill(started.pid, signal.SIGKILL)
            os.waitpid(started.pid, 0)


def test_where_ptrace_is_not_allowed_it_runs_and_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "another")
    started, told = run(tmp_path / "told", PLACEHOLDER)
    assert not started.concealed
    assert told["arguments"][1:] == [SECRET]
    assert SECRET in told["cmdline"]


def test_a_program_that_cannot_be_given_it_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(concealing, "_write", fail)
    told = tmp_path / "told"
    started = concealing.start([sys.executable, "-c", TELL, str(told)], PLACEHOLDER, SECRET, lambda: None)
    assert started.status is not None
    assert os.WTERMSIG(started.status) == signal.SIGKILL
    assert not told.exists()


def test_a_program_that_is_not_there_has_ended() -> None:
    started = concealing.start(["/nowhere/program", PLACEHOLDER], PLACEHOLDER, SECRET, lambda: None)
    assert started.status is not None
    assert os.waitstatus_to_exitcode(started.status) == 127


def test_every_start_has_its_own() -> None:
    assert len({Secret.make().value for _ in range(100)}) == 100
