"""A secret argument, over a small program that stands for the server."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from deploy import concealing
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


class Onlooker(threading.Thread):
    """Reads the command line and the environment of every child of the main thread, over and over."""

    def __init__(self) -> None:
        super().__init__(name="onlooker", daemon=True)
        self.children = Path(f"/proc/self/task/{threading.get_native_id()}/children")
        self.seen: dict[bytes, int] = {}
        self.problem: Exception | None = None
        self._looked, self._looks, self._end = threading.Condition(), 0, False

    def run(self) -> None:
        while not self._end:
            for pid in self.children.read_text().split():
                for name in ("cmdline", "environ"):
                    with suppress(OSError):  # it has ended meanwhile
                        content = Path(f"/proc/{pid}/{name}").read_bytes()
                        self.seen[content] = self.seen.get(content, 0) + 1
            with self._looked:
                self._looks += 1
                self._looked.notify_all()

    def wait_for_looks(self) -> None:
        """Until it has begun and ended a look."""
        with self._looked:
            wanted = self._looks + 2
            assert self._looked.wait_for(lambda: self._looks >= wanted, 10)

    def end(self) -> None:
        self._end = True
        self.join()


def test_no_onlooker_ever_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked for from before the call on, and surely between any two steps of it."""
    onlooker, steps = Onlooker(), 0

    def looked_at(step: Callable[..., object]) -> Callable[..., object]:
        def watched(*arguments: object) -> object:
            nonlocal steps
            steps += 1
            onlooker.wait_for_looks()
            done = step(*arguments)
            if arguments[0] != 17:  # PTRACE_DETACH: from then on the program runs
                onlooker.wait_for_looks()
            return done

        return watched

    for name in ("_wait_for_program", "_peek_stack_pointer", "_write", "_ptrace"):
        monkeypatch.setattr(concealing, name, looked_at(getattr(concealing, name)))
    onlooker.start()
    for _ in range(5):
        command = [sys.executable, "-c", "import time; time.sleep(60)", f"--secret={PLACEHOLDER}"]
        started = concealing.start(command, PLACEHOLDER, SECRET, lambda: None)
        onlooker.wait_for_looks()
        os.kill(started.pid, signal.SIGKILL)
        os.waitpid(started.pid, 0)
    onlooker.end()
    assert steps == 5 * 7
    shown = "\0".join(command).encode() + b"\0"
    assert onlooker.seen[shown] >= 5 * 7, "it was looked at while it was stopped"
    assert not [content for content in onlooker.seen if SECRET.encode() in content]


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


def test_what_lies_on_its_stack_is_understood_or_it_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as an environment that is larger than what is read of it."""
    monkeypatch.setattr(concealing, "_MOST_BYTES", 64)
    told = tmp_path / "told"
    started = concealing.start([sys.executable, "-c", TELL, str(told)], PLACEHOLDER, SECRET, lambda: None)
    assert started.status is not None
    assert os.WTERMSIG(started.status) == signal.SIGKILL
    assert not told.exists()


# In a process of its own: one that hangs can be ended.
SIGNALLED = """
import os, signal, sys
from deploy import concealing

become = os.execv

def signalled(*arguments):
    os.kill(os.getpid(), int(sys.argv[1]))
    become(*arguments)

os.execv = signalled
signal.signal(signal.SIGUSR1, lambda *_: print("a handler ran in the new process", flush=True))
blocked = signal.pthread_sigmask(signal.SIG_BLOCK, set())
tell = 'print(next(line for line in open("/proc/self/status") if line.startswith("SigBlk")).split()[1])'
started = concealing.start([sys.executable, "-c", tell], "placeholder", "secret", lambda: None)
assert started.concealed and started.status is None
assert signal.pthread_sigmask(signal.SIG_BLOCK, set()) == blocked
print(os.waitstatus_to_exitcode(os.waitpid(started.pid, 0)[1]))
"""


@pytest.mark.parametrize(
    ("number", "told"), [(signal.SIGUSR1, [-signal.SIGUSR1]), (signal.SIGCHLD, [0, 0]), (signal.SIGSTOP, [0, 0])]
)
def test_a_signal_before_it_is_the_program_waits_until_it_is(number: signal.Signals, told: list[int]) -> None:
    """It ends what has no handler for it, as it would have a moment later; and nothing hangs."""
    command = [sys.executable, "-c", SIGNALLED, str(int(number))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.stderr == ""
    assert [int(line, 16) if len(line) == 16 else int(line) for line in done.stdout.split()] == told


def test_a_program_that_is_not_there_has_ended() -> None:
    started = concealing.start(["/nowhere/program", PLACEHOLDER], PLACEHOLDER, SECRET, lambda: None)
    assert started.status is not None
    assert os.waitstatus_to_exitcode(started.status) == 127


def test_every_start_has_its_own() -> None:
    assert len({Secret.make().value for _ in range(100)}) == 100
