"""Runs Triton as the child of process 1: hands its end on, drains before it, and takes in orphans."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
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


class Stopping:
    """Ends the server when this process is asked to.

    The first SIGTERM or SIGINT drains and then asks the server to end; the second asks it at once; the third kills it.

    Args:
        server: What is to end.
        drain: Waits until nothing is in flight, or until its argument is set.
        closing: Called at once, so that no new requests come.
    """

    def __init__(
        self, server: Supervised, drain: Callable[[threading.Event], bool], closing: Callable[[], None]
    ) -> None:
        self._server, self._drain, self._closing = server, drain, closing
        self._hurry = threading.Event()
        self._asked = 0

    def on_signals(self) -> None:
        """Take over the signals of this process."""
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._asked += 1
        if self._asked == 1:
            threading.Thread(target=self._stop, name="stopping", daemon=True).start()
        elif self._asked == 2:
            self._hurry.set()
        else:
            self._server.terminate(signal.SIGKILL)

    def _stop(self) -> None:
        _log.info("stopping: waits for the requests in flight")
        self._closing()
        quiet = self._drain(self._hurry)
        _log.info("nothing is in flight" if quiet else "requests may still be in flight, but time is up")
        self._server.terminate()
