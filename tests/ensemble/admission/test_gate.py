"""Tickets between processes."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ensemble.admission.gate import Entrance, Gate, open_gate
from ensemble.admission.standing import CALM_NS, YOUNG_S, limit_of
from ensemble.admission.tickets import GENERATIONS, LEAK_S, NO_TICKET, OWNERS, SLOTS
from ensemble.variables import GATE

SECOND = 10**9
FOREIGN = multiprocessing.get_context("spawn")


class Clock:
    def __init__(self) -> None:
        self.now = 1_000 * SECOND

    def __call__(self) -> int:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(tmp_path: Path, clock: Clock) -> Gate:
    return Gate(tmp_path / "gate", clock)


@pytest.fixture
def entrance(gate: Gate) -> Iterator[Entrance]:
    entrance = Entrance(gate, 4)
    yield entrance
    entrance.close()


def taken(entrance: Entrance, rows: int = 1) -> int:
    ticket = entrance.take(rows)
    assert ticket is not None
    return ticket


def test_as_many_as_the_bound_come_in_and_the_next_when_one_has_left(
    gate: Gate, entrance: Entrance, clock: Clock
) -> None:
    tickets = [taken(entrance) for _ in range(4)]
    assert gate.in_flight() == 4
    assert entrance.take(1) is None
    gate.free(tickets[2])
    assert gate.in_flight() == 3
    assert entrance.take(1) is None
    clock.wait(CALM_NS / SECOND)
    taken(entrance)
    assert entrance.take(1) is None


def test_all_entrances_and_exits_of_a_server_share_one_bound(tmp_path: Path, gate: Gate, clock: Clock) -> None:
    one, other, way_out = Entrance(gate, 4), Entrance(Gate(gate.folder, clock), 4), Gate(gate.folder, clock)
    mixed = [taken(one), taken(other), taken(one), taken(other)]
    assert one.take(1) is None
    assert other.take(1) is None
    for ticket in mixed:
        way_out.free(ticket)
    assert [each.in_flight() for each in (gate, way_out, other.gate)] == [0, 0, 0]
    one.close()
    other.close()


def test_a_lost_ticket_frees_itself(gate: Gate, entrance: Entrance, clock: Clock) -> None:
    lost = [taken(entrance) for _ in range(4)]
    clock.wait(LEAK_S - 0.1)
    assert entrance.take(1) is None
    clock.wait(0.2)
    assert gate.in_flight() == 0
    assert entrance.limit() == 4
    again = [taken(entrance) for _ in range(4)]
    for ticket in lost:
        gate.free(ticket)
    assert gate.in_flight() == 4
    for ticket in again:
        gate.free(ticket)
    assert gate.in_flight() == 0


def test_a_ticket_that_comes_back_late_frees_no_other(gate: Gate, entrance: Entrance) -> None:
    late = taken(entrance)
    gate.free(late)
    held: list[int] = []
    for _ in range(SLOTS):
        for ticket in held:
            gate.free(ticket)
        held = [taken(entrance)]
    assert held[0] % (OWNERS * SLOTS) == late % (OWNERS * SLOTS)
    gate.free(late)
    assert gate.in_flight() == 1


def test_twice_and_none_free_nothing(gate: Gate, entrance: Entrance) -> None:
    first = taken(entrance)
    taken(entrance)
    for _ in range(3):
        gate.free(first)
        gate.free(NO_TICKET)
    assert gate.in_flight() == 1


def test_many_rows_weigh_as_many_but_at_most_an_eighth(gate: Gate) -> None:
    entrance = Entrance(gate, 100)
    taken(entrance, rows=10)
    assert gate.in_flight() == 10
    for _ in range(7):
        taken(entrance, rows=64)
    assert gate.in_flight() == 94
    taken(entrance, rows=64)  # the last place is enough for a heavy one
    assert gate.in_flight() == 106
    assert entrance.take(1) is None
    entrance.close()


def test_who_may_have_twice_the_places_comes_into_a_full_server(gate: Gate, entrance: Entrance) -> None:
    for _ in range(4):
        taken(entrance)
    assert entrance.take(1) is None
    assert [entrance.take(1, places=2) is None for _ in range(5)] == [False] * 4 + [True]


def test_no_more_than_there_are_slots(gate: Gate) -> None:
    for bound in (0, SLOTS // 2 + 1):
        with pytest.raises(ValueError, match=f"`bound` must be 1 to {SLOTS // 2}, got {bound}"):
            Entrance(gate, bound)
    entrance = Entrance(gate, SLOTS // 2)
    for _ in range(SLOTS // 2):
        taken(entrance)
    assert entrance.take(1) is None
    for _ in range(SLOTS // 2):  # a full server still has places for probes
        assert entrance.take(1, places=2) is not None
    assert entrance.take(1, places=2) is None
    entrance.close()


def test_more_processes_than_ranges_are_told_so(gate: Gate) -> None:
    entrances = [Entrance(gate, 1) for _ in range(OWNERS)]
    with pytest.raises(OSError, match=f"{OWNERS} processes take tickets"):
        Entrance(gate, 1)
    entrances[5].close()
    entrances[5] = Entrance(gate, 1)
    for entrance in entrances:
        entrance.close()


def test_generations_begin_again_after_the_last(gate: Gate) -> None:
    class Last(Random):
        def randrange(self, *_: object) -> int:
            return GENERATIONS - 2

    entrance = Entrance(gate, 4, Last())
    tickets = [taken(entrance) for _ in range(3)]
    assert gate.in_flight() == 3
    for ticket in tickets:
        gate.free(ticket)
    assert gate.in_flight() == 0
    entrance.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_what_is_under_way_is_what_was_taken_and_neither_freed_nor_lost(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    clock = Clock()
    gate = Gate(tmp_path_factory.mktemp("gate"), clock)
    bound = data.draw(st.integers(1, 12), "bound")
    entrances = [Entrance(gate, bound, Random(seed)) for seed in range(3)]  # noqa: S311 -- the same in every run
    held: dict[int, tuple[int, int]] = {}
    refused = 0
    for _ in range(data.draw(st.integers(0, 40), "steps")):
        match data.draw(st.sampled_from(["take", "take", "free", "wait"])):
            case "take":
                rows = data.draw(st.integers(1, 6))
                ticket, weight = data.draw(st.sampled_from(entrances)).take(rows), min(rows, max(1, bound // 8))
                under_way = sum(each for each, _ in held.values())
                young = sum(each for each, at in held.values() if clock.now - at <= YOUNG_S * SECOND)
                limit = limit_of(bound, clock.now, refused)
                assert (ticket is None) == (under_way >= bound or (limit < bound and young >= limit))
                if ticket is None:
                    refused = clock.now
                else:
                    assert ticket not in held
                    held[ticket] = (weight, clock.now)
            case "free" if held:
                ticket = data.draw(st.sampled_from(sorted(held)))
                gate.free(ticket)
                del held[ticket]
            case "wait":
                clock.wait(data.draw(st.sampled_from([0.05, 0.5, 2.0])))
        held = {ticket: (each, at) for ticket, (each, at) in held.items() if clock.now - at <= LEAK_S * SECOND}
        assert gate.in_flight() == sum(each for each, _ in held.values())
    for entrance in entrances:
        entrance.close()


def take_and_free(folder: Path, rounds: int, most: multiprocessing.Queue[int]) -> None:
    gate = Gate(folder)
    entrance, held, seen = Entrance(gate, 8), list[int](), 0
    for number in range(rounds):
        ticket = entrance.take(1)
        if ticket is not None:
            held.append(ticket)
        seen = max(seen, gate.in_flight())
        if ticket is None or number % 3 == 0:
            gate.free(held.pop() if held else NO_TICKET)
    for ticket in held:
        gate.free(ticket)
    most.put(seen)


def test_processes_that_take_and_free_at_once_lose_nothing_and_stay_near_the_bound(tmp_path: Path) -> None:
    most: multiprocessing.Queue[int] = FOREIGN.Queue()
    workers = [FOREIGN.Process(target=take_and_free, args=(tmp_path, 3_000, most)) for _ in range(4)]
    for worker in workers:
        worker.start()
    seen = [most.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert 8 <= max(seen) < 8 + len(workers)
    assert Gate(tmp_path).in_flight() == 0


def take_and_wait(folder: Path, told: multiprocessing.Queue[list[int]]) -> None:
    entrance = Entrance(Gate(folder), 4)
    told.put([taken(entrance) for _ in range(3)])
    signal.pause()


def test_the_successor_of_a_killed_process_gets_its_slots_and_not_its_tickets(tmp_path: Path) -> None:
    told: multiprocessing.Queue[list[int]] = FOREIGN.Queue()
    victim = FOREIGN.Process(target=take_and_wait, args=(tmp_path, told))
    victim.start()
    tickets = told.get(timeout=60)
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    victim.join()
    gate = Gate(tmp_path)
    successor = Entrance(gate, 4)
    assert gate.in_flight() == 3
    own = taken(successor)
    assert own % (OWNERS * SLOTS) // SLOTS == tickets[0] % (OWNERS * SLOTS) // SLOTS == 0
    assert successor.take(1) is None
    for ticket in tickets:
        gate.free(ticket)
    assert gate.in_flight() == 1
    successor.close()


def test_without_a_folder_there_is_no_gate(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert open_gate({}) is None
    assert caplog.text == ""
    (tmp_path / "file").write_text("")
    assert open_gate({GATE: str(tmp_path / "file" / "gate")}) is None
    assert "requests are not counted, and none is refused" in caplog.text
    assert open_gate({GATE: str(tmp_path / "gate")}) is not None


def test_only_its_owner_reads_what_is_under_way(gate: Gate) -> None:
    number, held = gate.claim()
    assert [path.stat().st_mode & 0o77 for path in (gate.folder, *gate.folder.iterdir())] == [0, 0, 0]
    other = os.open(gate.folder / f"owner-{number:02}", os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)
    os.close(held)
