from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clients import NO_RETRIES, NoServer, QueueFull, RetryPolicy, ServerFault, TandemError
from clients.deadline import Attempts
from clients.retry_budget import RetryBudget
from clients.url import Address
from loadtest.arrivals import records
from loadtest.arrivals.generator import Generator
from loadtest.arrivals.measured import Measured
from loadtest.arrivals.prepared import Prepared, call_of, load, message_of, prepare
from loadtest.arrivals.profiles import NAMES, Profile, joined, named, ramp, spike, steady
from loadtest.arrivals.records import OK, Records, merge
from loadtest.arrivals.schedule import arrivals, make_schedule
from loadtest.errors import BadLoad, EmptyAnswer
from loadtest.traffic.requests import Traffic


def rows(kinds: tuple[str, ...], outcomes: tuple[str, ...], **columns: Any) -> Records:
    made = records.empty(len(columns["due_s"]), kinds)
    for name, values in columns.items():
        getattr(made, name)[:] = values
    return Records(**{name: getattr(made, name) for name in records.COLUMNS}, kinds=kinds, outcomes=outcomes)


def test_constant_arrivals_are_evenly_apart_and_poisson_ones_as_many_on_average() -> None:
    even = arrivals(steady(50, 4), seed=1, poisson=False)
    assert len(even) == 200
    np.testing.assert_allclose(np.diff(even), 1 / 50, atol=1e-9)
    chance = arrivals(steady(200, 50), seed=1)
    assert len(chance) == pytest.approx(10_000, rel=0.04)
    gaps = np.diff(chance)
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.05)  # exponential: deviation and mean are the same
    assert (gaps >= 0).all()
    np.testing.assert_array_equal(chance, arrivals(steady(200, 50), seed=1))


def test_arrivals_follow_a_rate_that_changes() -> None:
    times = arrivals(ramp(200, 10), seed=1, poisson=False)
    assert len(times) == 1000
    assert (times < 5).sum() == pytest.approx(250, abs=2)
    times = arrivals(spike(100, 10), seed=2)
    in_spike = ((times >= 4) & (times < 6)).sum()
    assert in_spike / (len(times) - in_spike) == pytest.approx(1.0, rel=0.15)  # 4 times the rate, a quarter of the time


@pytest.mark.parametrize("name", NAMES)
def test_a_named_profile_lasts_as_long_as_it_is_told(name: str) -> None:
    profile = named(name, 20.0, 30.0)
    assert profile.duration_s == 30
    assert profile.passed(np.array([30.0]))[0] == pytest.approx(profile.mean * 30)
    assert arrivals(profile, seed=1).max() < 30
    assert profile.rate_at(31) == 0


def test_profiles_are_joined_end_to_end() -> None:
    whole = joined([steady(10, 5), steady(30, 5), steady(10, 10)])
    assert whole.duration_s == 20
    assert (whole.rate_at(2), whole.rate_at(7), whole.rate_at(15)) == (10, 30, 10)
    assert whole.mean == pytest.approx(15)


@pytest.mark.parametrize(
    ("seconds", "rates"),
    [((0.0,), (1.0,)), ((0.0, -1.0), (1.0, 1.0)), ((0.0, 1.0), (0.0, 0.0)), ((0.0, 1.0), (1.0, float("nan")))],
)
def test_a_profile_that_cannot_be_is_refused(seconds: tuple[float, ...], rates: tuple[float, ...]) -> None:
    with pytest.raises(BadLoad, match="profile"):
        Profile(seconds, rates)
    with pytest.raises(BadLoad, match="allowed: steady, ramp, spike, soak"):
        named("tide", 1, 1)


def test_a_schedule_has_searches_and_writes_and_its_parts_are_all_of_it(mix_file: Path) -> None:
    traffic = Traffic.read(mix_file, writes_per_s=10.0)
    schedule = make_schedule(traffic, steady(40, 10), seed=5)
    kinds = [traffic.make(number).kind for number in schedule.numbers.tolist()]
    assert sum(kind in {"patch", "upsert"} for kind in kinds) == pytest.approx(100, rel=0.3)
    assert (np.diff(schedule.due_s) >= 0).all()
    parts = [schedule.part(place, 3) for place in range(3)]
    assert sorted(np.concatenate([part.due_s for part in parts])) == schedule.due_s.tolist()


def test_a_message_has_all_tensors_of_its_call(mix_file: Path, tmp_path: Path) -> None:
    traffic = Traffic.read(mix_file)
    numbers = range(0, len(traffic), 7)
    prepare(tmp_path, traffic, numbers, {0: {4: {"a": 0.5}}})
    loaded = load(tmp_path)
    assert list(loaded) == list(numbers)
    for number in numbers:
        asked = traffic.make(number)
        assert loaded[number].message == message_of(asked.call)
        again = call_of(loaded[number].message)
        assert again.model == asked.call.model
        assert [tensor.data.tolist() for tensor in again.inputs] == [t.data.tolist() for t in asked.call.inputs]
        assert loaded[number].asked.written == asked.written
    assert loaded[0].asked.rows[0].references == {4: {"a": 0.5}}


def test_records_of_several_processes_are_merged_by_the_names_of_kinds_and_errors(tmp_path: Path) -> None:
    first = rows(
        ("text", "photo"), (OK, "cut off", "QueueFull"),
        due_s=[0.0, 2.0, 4.0], latency_ms=[1, 2, 3], kind=[0, 1, 0], outcome=[0, 2, 0], release=[1, 0, 2],
    )  # fmt: skip
    second = rows(
        ("photo", "text"), (OK, "cut off", "Timeout", "QueueFull"),
        due_s=[1.0, 3.0], latency_ms=[4, 5], kind=[0, 1], outcome=[3, 2], release=[0, 0],
    )  # fmt: skip
    second.save(tmp_path / "records.npz")
    merged = merge([first, Records.load(tmp_path / "records.npz")])
    assert merged.due_s.tolist() == [0, 1, 2, 3, 4]
    assert [merged.kinds[place] for place in merged.kind] == ["text", "photo", "photo", "text", "text"]
    assert [merged.outcomes[place] for place in merged.outcome] == [OK, "QueueFull", "QueueFull", "Timeout", OK]
    measured = Measured(merged, 5.0, 6)
    assert measured.failed == {"QueueFull": 2, "Timeout": 1}
    assert (measured.ok, measured.rejected, measured.error_rate) == (2, 2, 0.6)
    assert measured.releases == {1: 1, 2: 1}
    assert measured.kinds["photo"].ok == 0


def test_merged_quantiles_are_those_of_all_latencies_together() -> None:
    random = np.random.default_rng(1)
    latencies = random.lognormal(3, 1, 4_000).astype(np.float32)
    due = np.sort(random.random(4_000)) * 10
    parts = [rows(("text",), (OK, "cut off"), due_s=due[n::3], latency_ms=latencies[n::3], outcome=0) for n in range(3)]
    found = Measured(merge(parts), 10.0, 4_000).latency
    ordered = np.sort(latencies)
    assert (found.p50, found.p99, found.p999) == (ordered[2000], ordered[3960], ordered[3996])
    assert found.max == ordered[-1]


def test_the_timeline_counts_requests_when_due_and_answers_when_they_came() -> None:
    made = rows(
        ("text",), (OK, "cut off", "Timeout"), due_s=[0.1, 0.2, 1.5, 1.6], latency_ms=[100, 2500, 50, 900],
        outcome=[0, 0, 0, 2], release=[1, 2, 2, 0], late_ms=[0, 5, 20, 0],
    )  # fmt: skip
    measured = Measured(made, 2.0, 4)
    first, second, third = measured.timeline
    assert (first.due, first.ok, first.done, first.p99) == (2, 2, 1, 2500)
    assert (second.due, second.failed, second.releases) == (2, {"Timeout": 1}, {2: 1})
    assert (third.due, third.done) == (0, 1)
    assert (measured.late(), measured.late(10)) == (2, 1)
    assert measured.offered_rps == 2
    assert measured.achieved_rps == pytest.approx(3 / 2.7)
    assert measured.between(0, 1).ok == 2
    json.dumps(measured.to_dict(), allow_nan=False)


class Reluctant:
    """Refuses every request so many times before it answers it."""

    def __init__(self, error: TandemError, times: int) -> None:
        self._error, self._times, self.sent = error, times, Counter[bytes]()
        self.timeouts: list[float] = []

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def send(self, request: Prepared, timeout_s: float) -> object:
        self.sent[request.message] += 1
        self.timeouts.append(timeout_s)
        if self.sent[request.message] <= self._times:
            raise self._error
        return request

    def outputs(self, raw: object) -> Any:
        raise EmptyAnswer(f"nothing to be seen in {raw}")


def generated(sender: Reluctant, mix_file: Path, folder: Path, retries: RetryPolicy) -> Measured:
    traffic = Traffic.read(mix_file)
    prepare(folder, traffic, range(3))
    np.savez(folder / "schedule.npz", due_s=np.array([0.0, 0.01, 0.02]), number=np.arange(3))
    attempts = partial(Attempts, Address.parse("grpc://localhost:1"), retries, 5.0, RetryBudget(retries.refused_share))

    async def run() -> Records:
        generator = Generator(sender, load(folder), 5.0, attempts)
        return await generator.run(folder / "schedule.npz", time.monotonic(), asyncio.Event())

    return Measured(asyncio.run(run()), 1.0, 3)


@pytest.mark.parametrize(
    ("error", "times", "again", "outcome"),
    [
        (QueueFull("full"), 2, 3, "EmptyAnswer"),
        (NoServer("gone"), 1, 3, "EmptyAnswer"),
        (QueueFull("full"), 9, 3, "QueueFull"),
        (ServerFault("broken"), 1, 0, "ServerFault"),
    ],
)
def test_what_the_clients_send_again_is_sent_again(
    mix_file: Path, tmp_path: Path, error: TandemError, times: int, again: int, outcome: str
) -> None:
    sender = Reluctant(error, times)
    measured = generated(sender, mix_file, tmp_path, RetryPolicy(tries=3, first_pause_s=0.01))
    assert measured.failed == {outcome: 3}
    assert (measured.sent_again, measured.ok_again) == (again, 0)
    assert set(sender.sent.values()) == {min(times + 1, 3) if again else 1}
    assert all(0 < timeout <= 5 for timeout in sender.timeouts)
    once = generated(Reluctant(error, times), mix_file, tmp_path, NO_RETRIES)
    assert (once.sent_again, once.failed) == (0, {type(error).__name__: 3})


def test_what_was_answered_in_the_end_is_told_apart() -> None:
    made = rows(
        ("text",), (OK, "cut off", "QueueFull"), due_s=[0.1, 0.2, 0.3, 0.4], outcome=[0, 0, 2, 2],
        latency_ms=[5, 120, 900, 3], sent_again=[0, 2, 4, 0],
    )  # fmt: skip
    told = Measured(made, 1.0, 4).to_dict()
    assert (told["ok"], told["rejected"], told["sent_again"], told["ok_again"]) == (2, 2, 2, 1)


def test_what_was_cut_off_is_neither_done_nor_failed() -> None:
    made = rows(("text",), (OK, "cut off"), due_s=[0.1, 0.2], outcome=[0, 1], latency_ms=[5, 0])
    measured = Measured(made, 1.0, 10, stopped=True)
    assert (measured.ok, measured.failed, measured.cut_off, measured.error_rate) == (1, {}, 1, 0)
    assert measured.latency.count == 1
