"""Runs Triton as the child of process 1: hands its end on, drains before it, and takes in orphans."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

from deploy import concealing, procfs
from deploy.secret import PLACEHOLDER, Secret

_log = logging.getLogger(__name__)
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Supervised:
    """One server process.

    Args:
        command: Program and arguments, the secret as a placeholder.
        environment: Its environment.
        secret: Put in the placeholder's place, where no list of processes shows it.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], secret: Secret) -> None:
        def prepare() -> None:
            os.environ.clear()
            os.environ.update(environment)

        # A server whose supervisor is killed would leave stubs; as process 1 it takes everything with it anyway.
        procfs.adopt_orphans()
        started = concealing.start(command, PLACEHOLDER, secret.value, prepare)
        self.pid, self._status = started.pid, started.status
        if not started.concealed:
            _log.warning("the secret of the restricted interfaces stands in the server's command line (no ptrace here)")

    def terminate(self, number: int = signal.SIGTERM) -> None:
        """Send a signal, unless it has ended."""
        if self._status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self) -> int:
        """Wait for its end, taking the exit codes of all who end meanwhile; 128 + N when signal N ended it."""
        while self._status is None:
            pid, status = os.waitpid(-1, 0)
            if pid == self.pid:
                self._status = status
        code = os.waitstatus_to_exitcode(self._status)
        return code if code >= 0 else 128 - code

    def end_orphans(self) -> None:
        """Kill what outlived the server, and wait for it."""
        while orphans := [child for child in procfs.children(os.getpid()) if not child.ended]:
            for orphan in orphans:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(orphan.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(-1, 0)


@dataclass(frozen=True)
class Ending:
    """How a server is ended.

    Args:
        server: The server.
        drain: Waits until nothing is in flight, or until its argument is set.
        closing: Called at once, so that no new requests come.
    """

    server: Supervised
    drain: Callable[[threading.Event], bool]
    closing: Callable[[], None]


class Stopping:
    """Ends this process, and its server, when it is asked to.

    Without a server, SIGTERM and SIGINT raise ``SystemExit`` where the process is: nobody has been answered yet. With
    one, the first drains and then asks the server to end; the second asks it at once; the third kills it.
    """

    def __init__(self) -> None:
        self._ending: Ending | None = None
        self._hurry = threading.Event()
        self._asked = 0

    def on_signals(self) -> None:
        """Take over the signals of this process; process 1 is sent none that it has not asked for."""
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)

    def begin(self, start: Callable[[], Ending]) -> Supervised:
        """Start a server, which is ended from now on; a signal that comes meanwhile counts when it is there."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            self._ending = start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self._ending.server

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._ending is None:
            _log.info("stopped before the server was started")
            sys.exit(0)
        self._asked += 1
        if self._asked == 1:
            threading.Thread(target=self._stop, args=(self._ending,), name="stopping", daemon=True).start()
        elif self._asked == 2:
            self._hurry.set()
        else:
            self._ending.server.terminate(signal.SIGKILL)

    def _stop(self, ending: Ending) -> None:
        _log.info("stopping: waits for the requests in flight")
        ending.closing()
        quiet = ending.drain(self._hurry)
        _log.info("nothing is in flight" if quiet else "requests may still be in flight, but time is up")
        ending.server.terminate()
