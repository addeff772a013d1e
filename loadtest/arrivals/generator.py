"""One process that sends its part of a schedule.

``python -m loadtest.arrivals.generator FOLDER URL TIMEOUT_S RETRIES``, the last a `clients.RetryPolicy` as JSON. It
reads requests from the folder, says ``ready``, and then obeys one JSON object a line: ``{"schedule": PATH, "records":
PATH, "start": S}`` sends that schedule from the time ``start`` of the machine's monotonic clock on, and ends with the
line ``done CPU_S``; an empty line stops it. The end of its input ends the process, so that it never outlives whoever
started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from clients import RetryPolicy, TandemError
from clients.deadline import Attempts
from clients.retry_budget import RetryBudget
from clients.url import Address
from loadtest.answers import Seen
from loadtest.arrivals import records
from loadtest.arrivals.prepared import Prepared, load
from loadtest.arrivals.records import OK, Records
from loadtest.arrivals.senders import Sender, connect
from loadtest.errors import WrongAnswer
from loadtest.traffic.asked import Asked, Kind
from loadtest.traffic.kinds import KINDS

PRIORITY = -10
AFTER_S = 5.0
"""Answers are waited for so much longer than the deadline of the last request."""


class Generator:
    """Sends requests on schedule, and notes what becomes of each.

    Args:
        sender: To where.
        requests: By number.
        timeout_s: Deadline of one request, from when it is sent first.
        attempts: How often a request is sent, and how long each time may take; asked for each request anew.
    """

    def __init__(
        self, sender: Sender, requests: Mapping[int, Prepared], timeout_s: float, attempts: Callable[[], Attempts]
    ) -> None:
        self._sender, self._requests, self._timeout_s = sender, requests, timeout_s
        self._attempts = attempts
        self._kinds = tuple(KINDS)
        self._outcomes: dict[str, int] = {}
        self._passed: dict[int, tuple[object, Seen]] = {}
        self._start = 0.0
        self._rows = records.empty(0, self._kinds)

    async def run(self, schedule: Path, start: float, stop: asyncio.Event) -> Records:
        """Send a schedule.

        Args:
            schedule: File with ``due_s`` and ``number``.
            start: The machine's monotonic clock at second 0.
            stop: Ends it early: what is not answered is cut off, what was not due is left out.
        """
        with np.load(schedule, allow_pickle=False) as file:
            due, numbers = file["due_s"], file["number"]
        self._rows, self._start = records.empty(len(due), self._kinds), start
        self._rows.due_s[:], self._rows.number[:] = due, numbers
        self._outcomes = {name: place for place, name in enumerate(self._rows.outcomes)}
        stopped = asyncio.create_task(stop.wait())
        try:
            sent, tasks = await self._send_all(due.tolist(), numbers.tolist(), stop)
            if tasks and not stop.is_set():
                waiting = asyncio.gather(*tasks)
                await asyncio.wait(
                    (waiting, stopped), timeout=self._timeout_s + AFTER_S, return_when=asyncio.FIRST_COMPLETED
                )
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            stopped.cancel()
        return self._noted(sent)

    async def _send_all(
        self, due: list[float], numbers: list[int], stop: asyncio.Event
    ) -> tuple[int, set[asyncio.Task[None]]]:
        """Start every request when it is due; how many were, and those in flight."""
        tasks: set[asyncio.Task[None]] = set()
        for place, (at, number) in enumerate(zip(due, numbers, strict=True)):
            wait_s = self._start + at - time.monotonic()
            if wait_s > 0 or place % 64 == 0:
                await _wait(wait_s, stop)
            if stop.is_set():
                return place, tasks
            task = asyncio.create_task(self._one(place, at, self._requests[number]))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        return len(due), tasks

    async def _one(self, place: int, due: float, request: Prepared) -> None:
        rows, due = self._rows, self._start + due
        kind = KINDS[request.asked.kind]
        rows.kind[place] = self._kinds.index(kind.name)
        rows.late_ms[place] = 1000 * (time.monotonic() - due)
        try:
            raw = await self._sent(place, request)
            rows.latency_ms[place] = 1000 * (time.monotonic() - due)
            seen = self._judge(kind, raw, int(rows.number[place]), request.asked)
        except (TandemError, WrongAnswer) as error:
            rows.latency_ms[place] = rows.latency_ms[place] or 1000 * (time.monotonic() - due)
            rows.outcome[place] = self._outcomes.setdefault(type(error).__name__, len(self._outcomes))
            return
        rows.release[place], rows.asked[place], rows.found[place] = seen.release, seen.asked, seen.found
        rows.outcome[place] = self._outcomes[OK]

    async def _sent(self, place: int, request: Prepared) -> object:
        """The raw answer to a request, which is sent as often as a client would.

        Raises:
            TandemError: There was none.
        """
        attempts = self._attempts()
        while True:
            try:
                return await self._sender.send(request, attempts.left_s())
            except TandemError as error:
                pause_s = attempts.pause_s(error)
            self._rows.sent_again[place] += 1
            await asyncio.sleep(pause_s)

    def _judge(self, kind: Kind, raw: object, number: int, asked: Asked) -> Seen:
        """Read and check an answer, unless its bytes are those of the last one to the same request."""
        if number in self._passed and self._passed[number][0] == raw:
            return self._passed[number][1]
        seen = kind.judge(self._sender.outputs(raw), asked)
        self._passed[number] = (raw, seen)
        return seen

    def _noted(self, sent: int) -> Records:
        kept = self._rows.where(np.arange(len(self._rows)) < sent)
        columns = {name: getattr(kept, name) for name in records.COLUMNS}
        return Records(**columns, kinds=self._kinds, outcomes=tuple(self._outcomes))


async def _wait(seconds: float, stop: asyncio.Event) -> None:
    """Until something is due, or at least so long that answers can be taken; longer waits end with a stop."""
    if seconds < 1:
        await asyncio.sleep(max(0.0, seconds))
        return
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def obey(folder: Path, address: Address, timeout_s: float, retries: RetryPolicy) -> None:
    """Do what standard input says, until its end."""
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    sender = connect(address, timeout_s)
    budget = RetryBudget(retries.refused_share)
    generator = Generator(sender, load(folder), timeout_s, partial(Attempts, address, retries, timeout_s, budget))
    await sender.open()
    gc.collect()
    gc.freeze()  # the requests stay; to look through them again and again would hold up those that are due
    _say("ready")
    line = asyncio.create_task(orders.readline())
    while order := await line:
        line = asyncio.create_task(orders.readline())
        if order.strip():
            line = await _obey_one(generator, json.loads(order), line, orders)
    await sender.close()


async def _obey_one(
    generator: Generator, order: Mapping[str, str | float], line: asyncio.Task[bytes], orders: asyncio.StreamReader
) -> asyncio.Task[bytes]:
    """Send one schedule; any line that comes meanwhile stops it. The task that reads the next order."""
    stop, cpu_s = asyncio.Event(), time.process_time()
    line.add_done_callback(lambda _: stop.set())
    found = await generator.run(Path(str(order["schedule"])), float(order["start"]), stop)
    spent = time.process_time() - cpu_s
    if line.done() and line.result():
        line = asyncio.create_task(orders.readline())
    found.save(Path(str(order["records"])))
    _say(f"done {spent:.6f}")
    return line


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main(folder: str, url: str, timeout_s: str, retries: str) -> None:
    """Run the process."""
    with contextlib.suppress(OSError):  # it needs little, but at its time; not every user may ask for that
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started it, who stops it by its input
    # epoll waits in whole milliseconds, select in microseconds: requests would start up to 1 ms late
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        policy = RetryPolicy(**json.loads(retries))
        runner.run(obey(Path(folder), Address.parse(url), float(timeout_s), policy))


if __name__ == "__main__":
    main(*sys.argv[1:])
