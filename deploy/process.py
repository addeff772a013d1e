"""The server's process, behind a guard that cleans up after it."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy import serverlog
from deploy.command import PROJECT_ROOT
from deploy.errors import ServerFailed
from deploy.events import logger
from deploy.secret import Secret
from deploy.serverlog import ServerLog

_POLL_S = 0.05
# Answers that are complete may still be on their way out when the server calls its models stopped.
_DRAIN_GRACE_S = 0.5
_KILL_TIMEOUT_S = 20.0
_GUARD_TIMEOUT_S = 60.0


class TritonProcess:
    """A running ``tritonserver``.

    It runs in a session of its own, so that a Ctrl-C in the terminal reaches it only through ``stop``. When this
    process ends, even by SIGKILL, the guard (``deploy.guard``) kills the server and its stubs.

    Args:
        command: Program and arguments.
        environment: Its environment.
        workdir: Private directory, removed when the server has ended.
        log: File that the server's output is appended to.

    Attributes:
        secret: What opens the server's own interfaces: new, and handed to it by a way that no other process sees.
        concealed: Whether that worked. Where ptrace is not allowed, other users of the machine can read the secret
            from the list of processes.

    Raises:
        ServerFailed: The program could not be started.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], workdir: Path, log: Path) -> None:
        self.log, self._workdir, self.secret = ServerLog(log), workdir, Secret.make()
        report, report_end = os.pipe()
        with log.open("ab") as output:
            self._guard = subprocess.Popen(
                [sys.executable, "-m", "deploy.guard", str(report_end), str(workdir), "--", *command],
                stdin=subprocess.PIPE,
                bufsize=0,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=PROJECT_ROOT,
                pass_fds=(report_end,),
                start_new_session=True,
            )
        os.close(report_end)
        self._tell(f"{self.secret.value}\n".encode())
        with os.fdopen(report) as reader:
            told = reader.readline().split() if select.select([reader], [], [], _GUARD_TIMEOUT_S)[0] else []
        if not told:
            words = self.last_words()
            self.stop(0.0)
            raise ServerFailed(f"the server's guard did not start:\n{words}")
        self.pid, self.concealed = int(told[0]), told[1] == "concealed"
        if not self.concealed:
            logger.warning("ptrace is not allowed here: all users of this machine can read the server's secret in `ps`")

    @property
    def returncode(self) -> int | None:
        """Exit code, None while the server runs; 128 + N when signal N ended it."""
        return self._guard.poll()

    def last_words(self) -> str:
        """What the server said of its end."""
        return serverlog.last_words(self.log.text())

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end of the server and its clean-up; whether it came in time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._guard.wait(timeout_s)
        return self._guard.returncode is not None

    def kill(self) -> None:
        """End the server, its stubs and what they left, at once."""
        lifeline = self._guard.stdin
        if lifeline is not None and not lifeline.closed:
            # A byte and not only the end of the pipe, which a forked child of this process could be holding open.
            self._tell(b"x")
            lifeline.close()

    def _tell(self, data: bytes) -> None:
        # The guard may have ended, and a signal handler may be doing the same.
        if self._guard.stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                os.write(self._guard.stdin.fileno(), data)

    def stop(self, timeout_s: float) -> None:
        """Let the requests in flight finish, then end the server.

        Triton takes over a second a model to unload, and up to its exit timeout when a stub has been killed before.
        Nothing of that matters to anyone once the last answer is out, so it is cut short then.

        Args:
            timeout_s: Time for the requests in flight.
        """
        if self.returncode is None:
            told = self.log.end()
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._guard.pid, signal.SIGTERM)
            self._drain(told, timeout_s)
        self.kill()
        if not self.wait(_KILL_TIMEOUT_S):
            self._guard.kill()
            self._guard.wait()
        if self._guard.returncode < 0:
            # The guard itself was killed: the kernel and the stubs' own watch end the rest, but for this.
            shutil.rmtree(self._workdir, ignore_errors=True)
        self.log.close()

    def _drain(self, told: int, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self.returncode is None:
            if serverlog.DRAINED in self.log.text(told):
                self.wait(_DRAIN_GRACE_S)
                return
            time.sleep(_POLL_S)
