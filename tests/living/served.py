"""``python -m deploy serve`` as a process of its own, which a test can kill with all that belongs to it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random

from deploy import procfs
from tests.deploy.conftest import SHM, processes_of, wait_for
from tests.living.shop import seeded

START_S = 120.0
ANY_PORTS = ("--http-port", "0", "--grpc-port", "0", "--metrics-port", "0", "--supervisor-port", "0")


class Served:
    """A server over a store.

    Args:
        store: The store; working directories are made below it, so that every process of the server can be found.
        arguments: More of its command line.
        environment: What it gets besides this process's own.
        within: A program, with its arguments, that runs the server.
    """

    def __init__(
        self,
        store: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        within: Sequence[str] = (),
    ) -> None:
        self.store = store
        self.output = store / "run" / "serve.out"
        (store / "tmp").mkdir(exist_ok=True)
        self.output.parent.mkdir(exist_ok=True)
        (store / "run" / "serve.json").unlink(missing_ok=True)
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                [*within, sys.executable, "-m", "deploy", "serve", "--store", str(store), *ANY_PORTS, *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "TMPDIR": str(store / "tmp"), **(environment or {})},
                start_new_session=True,
            )
        self.url = self._wait()

    def _wait(self) -> str:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                return str(json.loads((self.store / "run" / "serve.json").read_text())["grpc"])
            time.sleep(0.05)
        self.kill(seeded(0))
        raise AssertionError(f"the server did not start:\n{self.output.read_text()[-4_000:]}")

    @property
    def pids(self) -> list[int]:
        """The server's processes: ``deploy``, its guard, Triton, the stubs, the keeper."""
        return processes_of(self.store)

    @property
    def alive(self) -> bool:
        """Whether ``deploy`` runs."""
        return self._process.poll() is None

    def pause(self) -> None:
        """Stop every process where it is; first the one that would take a stopped server for a broken one."""
        for pid in sorted(self.pids, key=lambda pid: pid != self._process.pid):
            _send(pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Have every process go on."""
        for pid in sorted(self.pids, key=lambda pid: pid == self._process.pid):
            _send(pid, signal.SIGCONT)

    def kill(self, random: Random) -> None:
        """SIGKILL every process, in an order by chance, and wait until none holds a file any more."""
        killed: set[int] = set()
        left = regions_of(self.pids)
        while pids := self.pids:
            random.shuffle(pids)
            for pid in pids:
                _send(pid, signal.SIGKILL)
            killed.update(pids)
            self._process.poll()
            time.sleep(0.01)
        self._process.wait()
        # One that is ending has no command line any more, but may still hold the database.
        wait_for(lambda: not any(_runs(pid) for pid in killed))
        for path in left:  # whoever would have cleaned up was killed
            path.unlink(missing_ok=True)

    def stop(self) -> None:
        """End it as SIGTERM does."""
        self._process.terminate()
        try:
            self._process.wait(60)
        finally:
            self.kill(seeded(0))


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _runs(pid: int) -> bool:
    process = procfs.read(pid)
    return process is not None and not process.ended


def regions_of(pids: list[int]) -> set[Path]:
    """Shared memory of some processes."""
    return {SHM / name for pid in pids for name in procfs.shm_regions(pid)}


@contextlib.contextmanager
def serving(store: Path, *arguments: str) -> Iterator[Served]:
    """A server for the time of a test."""
    served = Served(store, *arguments)
    try:
        yield served
    finally:
        served.stop()
