"""Bursts use the whole bound, a queue that stands does not: by a clock of the test's own."""

from __future__ import annotations

import heapq
from pathlib import Path
from random import Random

import pytest

from ensemble.admission.gate import Entrance, Gate
from ensemble.admission.standing import CALM_NS, YOUNG_S, limit_of, standing
from tests.ensemble.admission.test_gate import SECOND, Clock, clock, gate, taken

__all__ = ["clock", "gate"]

BOUND = 32
CALM_S = CALM_NS / SECOND


@pytest.mark.parametrize(("bound", "less"), [(1, 1), (4, 1), (5, 2), (16, 4), (32, 8), (128, 32), (256, 64)])
def test_less_is_let_in_from_a_refusal_until_none_was_refused_for_a_while(bound: int, less: int) -> None:
    assert standing(bound) == less
    refused = 50 * SECOND
    assert [limit_of(bound, refused + after, refused) for after in (0, CALM_NS - 1, CALM_NS)] == [less, less, bound]


def test_all_processes_know_of_a_refusal(gate: Gate, clock: Clock) -> None:
    one, other = Entrance(gate, BOUND), Entrance(Gate(gate.folder, clock), BOUND)
    tickets = [taken(one) for _ in range(BOUND)]
    assert (one.limit(), other.limit()) == (BOUND, BOUND)
    assert one.take(1) is None
    assert (one.limit(), other.limit()) == (8, 8)
    for ticket in tickets[8:]:
        gate.free(ticket)
    assert other.take(1) is None
    gate.free(tickets[0])
    taken(other)
    one.close()
    other.close()


def test_every_refusal_keeps_a_queue_standing_and_probes_are_none(gate: Gate, clock: Clock) -> None:
    entrance = Entrance(gate, BOUND)
    for _ in range(BOUND):
        taken(entrance)
    for _ in range(4):
        assert entrance.take(1) is None
        clock.wait(0.9 * CALM_S)
    assert entrance.take(1, places=2) is not None
    clock.wait(0.2 * CALM_S)
    assert entrance.limit() == BOUND
    entrance.close()


def test_a_heavy_request_comes_into_a_standing_queue_as_a_light_one_does(gate: Gate) -> None:
    entrance = Entrance(gate, BOUND)
    tickets = [taken(entrance, rows=64) for _ in range(8)]
    assert entrance.take(64) is None
    for ticket in tickets:
        gate.free(ticket)
    taken(entrance)
    for _ in range(2):
        taken(entrance, rows=64)
    assert gate.in_flight() == 9
    assert entrance.take(1) is None
    entrance.close()


def test_what_was_lost_or_waits_for_long_is_no_part_of_the_queue(gate: Gate, clock: Clock) -> None:
    entrance = Entrance(gate, BOUND)
    tickets = [taken(entrance) for _ in range(BOUND)]
    for ticket in tickets[8:]:
        gate.free(ticket)
    clock.wait(YOUNG_S)
    gate.note_refusal()
    assert entrance.take(1) is None
    clock.wait(0.002)
    for ticket in tickets[6:8]:
        gate.free(ticket)
    assert [entrance.take(1) is None for _ in range(9)] == [False] * 8 + [True]
    assert gate.in_flight() == 14
    entrance.close()


def test_a_slow_request_alone_is_no_queue_and_a_burst_after_silence_has_all_places(gate: Gate, clock: Clock) -> None:
    entrance = Entrance(gate, BOUND)
    taken(entrance)
    for _ in range(9):
        clock.wait(0.1)
        gate.free(taken(entrance))
    assert [entrance.take(1) is None for _ in range(BOUND)] == [False] * (BOUND - 1) + [True]
    entrance.close()


def served(folder: Path, rate: float, seconds: float) -> tuple[int, list[float], list[float]]:
    """Poisson arrivals at two servers that take 12 ms on average; the refused, and in seconds what answers took."""
    clock, random = Clock(), Random(7)  # noqa: S311 -- the same in every run
    gate = Gate(folder, clock)
    entrance = Entrance(gate, BOUND)
    start, due, refused = clock.now, 0.0, 0
    free, under_way, took, at = [0.0, 0.0], list[tuple[float, int]](), list[float](), list[float]()
    while (due := due + random.expovariate(rate)) < seconds:
        while under_way and under_way[0][0] <= due:
            gate.free(heapq.heappop(under_way)[1])
        clock.now = start + int(due * SECOND)
        ticket = entrance.take(1)
        if ticket is None:
            refused += 1
            continue
        end = max(due, heapq.heappop(free)) + random.expovariate(1 / 0.012)
        heapq.heappush(free, end)
        heapq.heappush(under_way, (end, ticket))
        took.append(end - due)
        at.append(due)
    entrance.close()
    return refused, took, at


def test_what_a_server_carries_is_not_refused_and_overload_waits_as_long_as_the_smaller_bound(tmp_path: Path) -> None:
    refused, took, _ = served(tmp_path / "busy", 82.0, 60.0)
    assert refused == 0
    refused, took, at = served(tmp_path / "storm", 310.0, 20.0)
    assert len(took) / 20 > 0.95 * 2 / 0.012  # none of the processors' time is lost
    assert refused > 1_500
    after = [each for each, due in zip(took, at, strict=True) if due > 1]
    # With all places taken, by Little's law, they would take 32 / 167 s on average.
    assert sum(after) / len(after) < 0.3 * BOUND * 0.006
