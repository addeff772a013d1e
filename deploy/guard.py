"""The process between ``deploy`` and Triton: whatever ends, and however, nothing is left behind.

``python -m deploy.guard REPORT_FD WORKDIR -- PROGRAM ARGUMENT...``

It reads a secret from the first line of standard input, starts the program with it where the arguments hold the
placeholder (``deploy.concealing``), writes the process id and whether the secret is hidden to ``REPORT_FD``, and hands
SIGTERM on to the program. Standard input is a lifeline from then on: when it ends, because the other side closed it or
was killed, the program is killed at once. When the program has ended
the guard kills the stubs that outlived it, removes their shared-memory regions and the working directory, and exits
with the program's code (128 + the number of the signal that killed it).
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from deploy import concealing, procfs
from deploy.regions import Regions
from deploy.secret import PLACEHOLDER

_TMP = Path("/tmp")  # noqa: S108 -- where it makes directories for packed environments, whatever TMPDIR says
_FIRST_POLL_S = 0.05
_FIRST_S = 60.0
_POLL_S = 1.0
_KILL_TIMEOUT_S = 10.0


class Guard:
    """Runs one program to its end.

    Args:
        workdir: Private directory of the program, removed at the end.
    """

    def __init__(self, workdir: Path) -> None:
        self._workdir = workdir
        self._regions, self._made = Regions(), time.monotonic()
        self._environments_before = _environments()
        self._environments: set[Path] | None = None
        self._pid = 0
        self._children = procfs.Children(self._pid)
        self._status: int | None = None
        self._lifeline: int | None = sys.stdin.fileno()
        self._wake, wake_end = os.pipe()
        for end in (self._wake, wake_end):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_end)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def run(self, command: Sequence[str], report_fd: int) -> int:
        """Start ``command``, wait for its end, clean up; its exit code."""
        procfs.adopt_orphans()
        os.set_inheritable(report_fd, False)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        started = concealing.start(command, PLACEHOLDER, _read_line(sys.stdin.fileno()), _prepare)
        self._pid, self._status = started.pid, started.status
        self._children = procfs.Children(self._pid)
        signal.signal(signal.SIGTERM, self._hand_on)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        os.write(report_fd, f"{self._pid} {'concealed' if started.concealed else 'shown'}\n".encode())
        os.close(report_fd)
        while self._status is None:
            self._step()
        self._clean_up()
        code = os.waitstatus_to_exitcode(self._status)
        return code if code >= 0 else 128 - code

    def _hand_on(self, number: int, _frame: FrameType | None) -> None:
        if self._status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, number)

    def _step(self) -> None:
        watched = [self._wake] if self._lifeline is None else [self._wake, self._lifeline]
        ready, _, _ = select.select(watched, [], [], pause(self._environments is not None, self._made))
        if self._wake in ready:
            os.read(self._wake, 4096)
        self._note_environments()
        self._regions.look(self._pid)
        if self._lifeline in ready:
            self._lifeline = None
            self._hand_on(signal.SIGKILL, None)
        self._reap()

    def _note_environments(self) -> None:
        # The backend makes an empty directory at a fixed place, before its first stub, and removes it only when all
        # models have been unloaded. Another server that starts in the same moment may lose its own; it would miss it
        # only if it used packed environments, and then the directory would not be empty for long.
        if self._environments is None and self._children.look():
            self._environments = _environments() - self._environments_before

    def _reap(self) -> bool:
        """Take the exit codes of ended children; whether any child is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._pid:
                self._status = status

    def _clean_up(self) -> None:
        deadline = time.monotonic() + _KILL_TIMEOUT_S
        while time.monotonic() < deadline:
            # Stubs that lost their server come to us, and end by themselves a moment later: their maps tell of regions
            # that were made after the last look.
            for child in procfs.children(os.getpid()):
                self._regions.note(child.pid)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)
            if not self._reap():
                break
            time.sleep(0.01)
        self._regions.remove()
        for environment in self._environments or ():
            with contextlib.suppress(OSError):
                environment.rmdir()
        shutil.rmtree(self._workdir, ignore_errors=True)


def pause(known: bool, since: float) -> float:
    """Seconds until the next look: short at first, until the directories for packed environments are known.

    Args:
        known: Whether they are.
        since: When the program was about to be started, monotonic. One that starts no process of its own in the first
            minute may never do.
    """
    return _POLL_S if known or time.monotonic() - since > _FIRST_S else _FIRST_POLL_S


def _environments() -> set[Path]:
    return set(_TMP.glob("python_env_*"))


def _read_line(descriptor: int) -> str:
    """One line, and not a byte more: what comes after it is for whoever waits on the descriptor."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(descriptor, 1)
        if not byte:
            sys.exit("whoever started this ended before it told the secret")
        line += byte
    return line.decode().rstrip("\n")


def _prepare() -> None:
    """In the new process: it dies with this one, and reads nothing."""
    procfs.die_with_parent(signal.SIGKILL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def main(arguments: Sequence[str]) -> int:
    """Run the command line described above."""
    # Ctrl-C and a closing terminal are the business of the process that holds the lifeline.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    report_fd, workdir, _, *command = arguments
    return Guard(Path(workdir)).run(command, int(report_fd))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
