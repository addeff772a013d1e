"""The keeper as a child of the server's process: started again when it ends, and never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from clients.tls import Tls
from deploy import procfs
from deploy.command import PROJECT_ROOT
from deploy.errors import CannotStart
from deploy.events import EventLog
from deploy.keep.options import KeepOptions
from deploy.living import Living
from ensemble.variables import CATALOGUE

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_WELL_S = 60.0
_STOP_S = 3.0


class KeeperProcess:
    """Runs ``python -m deploy keep`` beside a server; its output goes to ``STORE/run/keeper.log``.

    Args:
        store: The store.
        living: Its catalogue and snapshots.
        server: ``grpc://host:port``.
        options: How it works.
        events: Is told when it died.
        tls: How it connects over TLS, where the server has it.
    """

    def __init__(
        self,
        store: Path,
        living: Living,
        server: str,
        options: KeepOptions,
        events: EventLog,
        tls: Tls | None = None,
    ) -> None:
        base = [sys.executable, "-m", "deploy", "keep", "--store", str(store.resolve()), "--server", server]
        self._command = [*base, "--parent", str(os.getpid()), *options.arguments()]
        # The URL may hold a password, and command lines are for everyone to read.
        trusted = {} if tls is None else tls.environment()
        self._environment = {**os.environ, **trusted, CATALOGUE: living.catalogue, "OMP_NUM_THREADS": "1"}
        self._log, self._events = store.resolve() / "run" / "keeper.log", events
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._supervise, name="keeper")

    @property
    def pid(self) -> int | None:
        """Its process id, None between two lives."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def start(self) -> None:
        """Start it; its thread is its parent, and lives as long as it is wanted."""
        self._thread.start()

    def stop(self) -> None:
        """End it; a snapshot that it is writing is left out."""
        self._stopping.set()
        self._signal(signal.SIGTERM)
        self._thread.join(_STOP_S)
        self.kill()
        if self._thread.is_alive():
            self._thread.join()

    def kill(self) -> None:
        """End it at once. May be called from a signal handler."""
        self._stopping.set()
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)

    def _supervise(self) -> None:
        pause = 0.0
        while not self._stopping.is_set():
            started = time.monotonic()
            ended = self._live()
            if self._stopping.is_set():
                return
            lived = time.monotonic() - started
            pause = min(2 * pause, _LONGEST_PAUSE_S) if pause and lived < _WELL_S else _FIRST_PAUSE_S
            text = f"the keeper {ended}; it is started again in {pause:g} s. Searches go on"
            self._events.add("keeper_died", text, seconds=lived)
            self._stopping.wait(pause)

    def _live(self) -> str:
        """Run it once; how that ended."""
        started = time.monotonic()
        try:
            code = self._run()
        except OSError as error:  # its log cannot be opened, or there is no room for a process
            return f"cannot be started: {error}"
        return f"ended with code {code} after {time.monotonic() - started:.0f} s ({self._log} tells more)"

    def _run(self) -> int:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=PROJECT_ROOT,
                start_new_session=True,
            )
        if self._stopping.is_set():  # asked between the look and the start
            self._process.kill()
        return self._process.wait()


def die_with(parent: int) -> None:
    """Have this process end when the one that started it does, even by SIGKILL.

    Raises:
        CannotStart: It has ended already.
    """
    procfs.die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:
        raise CannotStart(f"process {parent}, which started the keeper, has ended")
