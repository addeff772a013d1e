"""Measures the kinds of questions in turn, several rounds interleaved, with the processor time that they take."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from benchmarks.closed_loop import Measured, closed_loop, grpc_senders
from benchmarks.load.processor import processor_s, spent_between

WARM_UP = 200
CLIENT = "load generator"


@dataclass(frozen=True)
class Round:
    """One kind under a closed loop, once.

    Args:
        measured: Latencies.
        spent_s: Processor seconds of each process, the generator's among them.
    """

    measured: Measured
    spent_s: Mapping[str, float]

    @property
    def cpu_ms(self) -> Mapping[str, float]:
        """Processor milliseconds a request, process by process."""
        return {name: 1000 * spent / len(self.measured.latencies_ms) for name, spent in self.spent_s.items()}


@dataclass(frozen=True)
class Load:
    """How much is asked.

    Args:
        concurrency: Requests under way at any time.
        rounds: How often each kind is measured.
        seconds: About how long each time.
    """

    concurrency: int = 4
    rounds: int = 5
    seconds: float = 5.0


def measure(
    address: str,
    server_pid: int,
    messages: Mapping[str, Sequence[bytes]],
    load: Load,
    told: Callable[[str], None] = lambda _: None,
) -> dict[str, list[Round]]:
    """Send each kind's messages in turn, every other round in the opposite order.

    Args:
        address: ``host:port`` of the server.
        server_pid: Process id of ``tritonserver``.
        messages: By kind, serialised; sent again from the first one where there are too few.
        load: How much.
        told: Told of each round.
    """
    kept = {kind: cycle(some) for kind, some in messages.items()}
    rates = {kind: _run(address, list(islice(some, WARM_UP)), load.concurrency).rps for kind, some in kept.items()}
    found: dict[str, list[Round]] = {kind: [] for kind in messages}
    for number in range(load.rounds):
        told(f"round {number + 1}/{load.rounds}")
        for kind in list(kept) if number % 2 == 0 else reversed(list(kept)):
            some = list(islice(kept[kind], max(WARM_UP, round(load.seconds * rates[kind]))))
            found[kind].append(_round(address, server_pid, some, load.concurrency))
    return found


def figures(rounds: Sequence[Round]) -> dict[str, object]:
    """Medians over the rounds; the slowest and the fastest p99 beside them."""
    p99s = [one.measured.p99_ms for one in rounds]
    return {
        "p50_ms": _median([one.measured.p50_ms for one in rounds]),
        "p99_ms": _median(p99s),
        "p99_ms_least": round(min(p99s), 3),
        "p99_ms_most": round(max(p99s), 3),
        "rps": _median([one.measured.rps for one in rounds]),
        "requests": sum(len(one.measured.latencies_ms) for one in rounds),
        "cpu_ms": {name: _median([one.cpu_ms[name] for one in rounds]) for name in rounds[0].cpu_ms},
    }


def _round(address: str, server_pid: int, messages: Sequence[bytes], concurrency: int) -> Round:
    before, own = processor_s(server_pid), time.process_time()
    measured = _run(address, messages, concurrency)
    own_s = time.process_time() - own
    return Round(measured, {**spent_between(before, processor_s(server_pid)), CLIENT: own_s})


def _run(address: str, messages: Sequence[bytes], concurrency: int) -> Measured:
    async def run() -> Measured:
        async with grpc_senders(address, concurrency) as senders:
            return await closed_loop(senders, messages)

    return asyncio.run(run())


def _median(values: Sequence[float]) -> float:
    return round(statistics.median(values), 3)
