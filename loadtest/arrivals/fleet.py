"""The processes that make a load, as one object."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Self, cast

import numpy as np

from clients import NO_RETRIES, Client, RetryPolicy
from clients.deadline import check_timeout
from loadtest.arrivals.measured import Measured
from loadtest.arrivals.prepared import References, prepare
from loadtest.arrivals.records import Records, merge
from loadtest.arrivals.schedule import Schedule
from loadtest.errors import BadLoad, GeneratorFailed, NoServerThere
from loadtest.traffic.requests import Traffic

ROOT = Path(__file__).resolve().parents[2]
LEAD_S = 0.25
"""A schedule begins so long after the processes were told of it."""
TIMEOUT_S = 10.0
MOST_PROCESSES = 64


class Fleet:
    """Processes that send open arrivals to a server: started once, for one schedule after the other.

    >>> with Fleet("grpc://localhost:8001", traffic, processes=2) as fleet:                        # doctest: +SKIP
    ...     measured = fleet.run(make_schedule(traffic, steady(rate=50, seconds=30), seed=1))

    Args:
        url: ``grpc://host:port`` or ``http://host:port``.
        traffic: Makes the requests.
        processes: How many processes share a schedule.
        timeout_s: Deadline of one request, from when it is sent first, in seconds.
        retries: When a request is sent again that the server could not answer, as by the clients; by default never.
        numbers: Which requests are made beforehand; by default all of the traffic. Others cannot be sent.
        references: What releases answer to some of them; see `loadtest.arrivals.references`.

    Raises:
        BadLoad: A number of processes that cannot be.
        BadSetting: A URL or a deadline that cannot be; see `clients.errors`.
    """

    def __init__(
        self,
        url: str,
        traffic: Traffic,
        *,
        processes: int = 1,
        timeout_s: float = TIMEOUT_S,
        retries: RetryPolicy = NO_RETRIES,
        numbers: Iterable[int] | None = None,
        references: References | None = None,
    ) -> None:
        if not 1 <= processes <= MOST_PROCESSES:
            raise BadLoad(f"processes: {processes}; allowed: 1 to {MOST_PROCESSES}")
        Client(url, timeout_s=check_timeout(timeout_s)).close()
        self._url, self._traffic, self._timeout_s, self._retries = url, traffic, timeout_s, retries
        self._count, self._numbers, self._references = processes, numbers, references
        self._stack = contextlib.ExitStack()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._folder = Path()
        self._runs = 0

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="loadtest-")))
            check_server(self._url, self._timeout_s)
            numbers = range(len(self._traffic)) if self._numbers is None else self._numbers
            prepare(self._folder, self._traffic, numbers, self._references)
            stack.callback(self._end)
            self._processes = [self._spawn() for _ in range(self._count)]
            for process in self._processes:
                _expect(process, "ready")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self, schedule: Schedule) -> Run:
        """Begin to send a schedule.

        Raises:
            GeneratorFailed: A process ended.
        """
        self._runs += 1
        begin = time.monotonic() + LEAD_S
        run = Run(tuple(self._processes), self._folder, self._runs, schedule, begin)
        for place, process in enumerate(self._processes):
            part = schedule.part(place, self._count)
            order = {"schedule": str(run.file("schedule", place)), "records": str(run.file("records", place))}
            np.savez(run.file("schedule", place), due_s=part.due_s, number=part.numbers)
            _tell(process, json.dumps({**order, "start": begin}))
        return run

    def run(self, schedule: Schedule) -> Measured:
        """Send a schedule, and wait for its end; Ctrl-C ends it early, and what was measured is kept.

        Raises:
            GeneratorFailed: A process ended, or did not answer.
        """
        return self.start(schedule).wait()

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "loadtest.arrivals.generator", str(self._folder), self._url]
        paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        return subprocess.Popen(
            [*command, str(self._timeout_s), json.dumps(asdict(self._retries))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )

    def _end(self) -> None:
        for process in self._processes:
            with contextlib.suppress(OSError):
                _stream(process.stdin).close()
        for process in self._processes:
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _stream(process.stdout).close()


@dataclass
class Run:
    """One schedule on its way.

    Args:
        processes: Who sends it.
        folder: Where its files are.
        number: Tells its files from those of others.
        schedule: What is sent.
        begin: The monotonic clock at its second 0.
    """

    processes: tuple[subprocess.Popen[bytes], ...]
    folder: Path
    number: int
    schedule: Schedule
    begin: float
    _stopped_s: float | None = None
    _said: dict[int, float] = field(default_factory=dict)

    def file(self, what: str, place: int) -> Path:
        """A file of one of the processes."""
        return self.folder / f"{what}-{self.number}-{place}.npz"

    @property
    def second(self) -> float:
        """Seconds since its start; negative before."""
        return time.monotonic() - self.begin

    def stop(self) -> None:
        """End it early: requests in flight are cut off."""
        if self._stopped_s is None:
            self._stopped_s = max(0.001, min(self.second, self.schedule.seconds))
            for process in self.processes:
                with contextlib.suppress(GeneratorFailed):
                    _tell(process, "")

    def wait(self) -> Measured:
        """What it came to, once every answer is there or given up. Ctrl-C stops it.

        Raises:
            GeneratorFailed: A process ended, or did not answer.
        """
        started = time.time() - self.second
        try:
            spent = self._collect()
        except KeyboardInterrupt:
            self.stop()
            spent = self._collect()
        parts = [Records.load(self.file("records", place)) for place in range(len(self.processes))]
        for place in range(len(self.processes)):
            self.file("records", place).unlink()
            self.file("schedule", place).unlink()
        stopped = self._stopped_s is not None
        seconds = self.schedule.seconds if self._stopped_s is None else self._stopped_s
        return Measured(merge(parts), seconds, len(self.schedule), len(parts), spent, started, stopped)

    def _collect(self) -> float:
        """Wait for the processes' last words; the processor time that they took, in seconds."""
        for place, process in enumerate(self.processes):
            if place not in self._said:  # one that ended before Ctrl-C came has said so already
                self._said[place] = float(_expect(process, "done").split()[1])
        return sum(self._said.values())


def check_server(url: str, timeout_s: float) -> None:
    """Whether a server is there, and has its search models.

    Raises:
        NoServerThere: It is not.
    """
    with Client(url, timeout_s=timeout_s) as client:
        if not client.ready():
            raise NoServerThere(f"no Tandem server is ready at {url}")


def _tell(process: subprocess.Popen[bytes], line: str) -> None:
    try:
        stream = _stream(process.stdin)
        stream.write(line.encode() + b"\n")
        stream.flush()
    except OSError:
        raise GeneratorFailed(f"process {process.pid} of the load ended with code {process.wait()}") from None


def _expect(process: subprocess.Popen[bytes], word: str) -> str:
    line = _stream(process.stdout).readline().decode()
    if not line.startswith(word):
        raise GeneratorFailed(f"process {process.pid} of the load ended with code {process.wait()}")
    return line


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    return cast("IO[bytes]", stream)
