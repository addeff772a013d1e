"""The load benchmark's own sums and judgements, and the whole way in small."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.load import document
from benchmarks.load.cost import fleet
from benchmarks.load.director import Did, timetable
from benchmarks.load.goals import goals
from benchmarks.load.knee import Tried, confirm, find_knee, judge
from benchmarks.load.known import both, told_apart
from benchmarks.load.overload import recovery_s
from benchmarks.load.overload import summary as overload_summary
from benchmarks.load.plan import FULL, PARTS, QUICK, Plan
from benchmarks.load.processor import processor_s, spent_between
from benchmarks.load.stages import counts, stages
from benchmarks.load.switching import inside, restart_spans
from benchmarks.load.switching import summary as switch_summary
from benchmarks.load.tables import shown, tables
from deploy.events import Event
from loadtest.arrivals.measured import Measured, Second
from loadtest.arrivals.records import Records, empty

KINDS = ("text", "photo", "patch")
PROJECT = Path(__file__).parents[2]


def measured(due_s: list[float], latency_ms: list[float], outcomes: list[str], seconds: float) -> Measured:
    """A load of so many requests by text, answered by release 1."""
    names = ("ok", "cut off", *sorted(set(outcomes) - {"ok", "cut off"}))
    rows = empty(len(due_s), KINDS)
    rows.due_s[:], rows.latency_ms[:] = due_s, latency_ms
    rows.outcome[:] = [names.index(name) for name in outcomes]
    rows.release[:] = [int(name == "ok") for name in outcomes]
    rows.kind[:] = 0
    columns = {name: getattr(rows, name) for name in vars(rows) if name not in ("kinds", "outcomes")}
    return Measured(Records(**columns, kinds=KINDS, outcomes=names), seconds, len(due_s), started=1_000.0)


def even(rate: float, seconds: float, latency_ms: float, outcome: str = "ok") -> Measured:
    """The same for all."""
    due = np.arange(0, seconds, 1 / rate).tolist()
    return measured(due, [latency_ms] * len(due), [outcome] * len(due), seconds)


@pytest.mark.parametrize(
    ("load", "holds"),
    [(even(100, 10, 20.0), True), (even(100, 10, 300.0), False), (even(100, 10, 2_000.0), False),
     (even(100, 10, 5.0, "QueueFull"), False)],
)  # fmt: skip
def test_a_rate_holds_where_answers_are_quick_and_none_fails(load: Measured, holds: bool) -> None:
    assert judge(load, p99_ms=250.0).holds is holds


@pytest.mark.parametrize("true", [9.0, 150.0, 333.0, 1_000.0])
def test_the_knee_is_found(true: float) -> None:
    def try_rate(rate: float) -> Tried:
        return Tried(rate, rate, 1.0, 2.0, 0, 0, 20.0, holds=rate <= true)

    rps, tried = find_knee(try_rate, first_rps=150.0, finest=0.05)
    assert rps <= true < rps * 1.06
    assert rps == max(one.rps for one in tried if one.holds)
    assert len(tried) <= 16


@pytest.mark.parametrize(("true", "tries"), [(100.0, 1), (99.0, 2), (85.0, 4)])
def test_what_was_found_in_a_good_moment_is_lowered_until_it_holds_for_longer(true: float, tries: int) -> None:
    def try_long(rate: float) -> Tried:
        return Tried(rate, rate, 1.0, 2.0, 0, 0, 60.0, holds=rate <= true)

    rps, tried = confirm(try_long, 100.0, less=0.06)
    assert [one.holds for one in tried] == [*[False] * (tries - 1), True]
    assert 0.94 * true < rps <= true
    with pytest.raises(ValueError, match="from 1000 requests a second down is held for longer"):
        confirm(try_long, 1_000.0, less=0.06)


def test_a_server_that_holds_nothing_has_no_knee() -> None:
    with pytest.raises(ValueError, match="no rate from 100 requests a second down was held"):
        find_knee(lambda rate: Tried(rate, 0.0, 1.0, 1.0, 1, 0, 20.0, holds=False), 100.0, 0.1)


def test_fifty_million_a_day() -> None:
    found = fleet(knee_rps=600.0, core_s_per_million=2_000.0)
    assert found.mean_rps == pytest.approx(578.7, abs=0.1)
    assert found.peak_rps == pytest.approx(3 * found.mean_rps)
    assert found.replicas == 6  # 1,736 requests a second over 300 each
    assert found.cores_busy == pytest.approx(50 * 2_000 / 86_400)
    with pytest.raises(ValueError, match="above 0"):
        fleet(0.0, 1.0)


METRICS = """
# HELP nv_inference_count what it counts
nv_inference_count{model="tower",version="1"} 30
nv_inference_count{model="tower",version="2"} 10
nv_inference_exec_count{model="tower",version="1"} 20
nv_inference_request_success{model="tower",version="1"} 40
nv_inference_request_failure{model="tower",reason="REJECTED",version="1"} 2
nv_inference_queue_duration_us{model="tower",version="1"} 80000
nv_inference_compute_infer_duration_us{model="tower",version="1"} 400000
nv_inference_compute_input_duration_us{model="tower",version="1"} 10000
nv_inference_compute_output_duration_us{model="tower",version="1"} 30000
nv_inference_request_success{model="idle",version="1"} 5
nv_gpu_utilization{gpu_uuid="x"} 1
"""


def test_stages_are_what_happened_between_two_readings() -> None:
    before = counts('nv_inference_request_success{model="idle",version="1"} 5')
    (tower,) = stages(before, counts(METRICS))
    assert (tower.model, tower.requests, tower.failed, tower.batch) == ("tower", 40, 2, 2.0)
    assert (tower.queue_ms, tower.infer_ms, tower.copy_ms) == (2.0, 10.0, 1.0)


def test_processor_time_is_that_of_each_process() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            while processor_s(busy.pid)["tritonserver"] < 0.05:
                pass
        finally:
            busy.kill()
    spent = spent_between({"server": 1.0, "tower": 2.0}, {"server": 1.5, "tower": 4.0, "anew": 0.5})
    assert list(spent.items()) == [("tower", 2.0), ("server", 0.5), ("anew", 0.5)]
    assert spent_between({"tower": 2.0}, {"tower": 0.5}) == {"tower": 0.5}


def second(number: int, p99: float, **failed: int) -> Second:
    return Second(number, 10, 10, 10, failed, p99 / 2, p99, {1: 10})


def test_recovery_ends_with_the_last_bad_second() -> None:
    line = (second(8, 900.0), second(10, 500.0), second(11, 30.0), second(12, 30.0, QueueFull=1), second(13, 30.0))
    assert recovery_s(line, end=10.0, normal_p99_ms=50.0) == 3.0
    assert recovery_s(line[4:], end=10.0, normal_p99_ms=50.0) == 0.0
    assert recovery_s((second(10, float("nan")),), end=10.0, normal_p99_ms=50.0) == 1.0


def test_an_overload_counts_rejections_apart() -> None:
    load = measured(
        [0.5, 1.5, 1.6, 1.7, 2.5], [5.0, 80.0, 2.0, 4.0, 6.0], ["ok", "ok", "QueueFull", "Timeout", "ok"], 3.0
    )
    found = overload_summary(load, 1.0, 2.0, normal_p99_ms=50.0)
    assert (found["accepted_p99_ms"], found["rejected"], found["rejection_p50_ms"]) == (80.0, 1, 2.0)
    assert found["failed"] == {"QueueFull": 1, "Timeout": 1}
    assert found["recovery_s"] == 0.0


def event(kind: Any, second: float) -> Event:
    from datetime import UTC, datetime

    return Event(datetime.fromtimestamp(1_000.0 + second, UTC).isoformat(), kind, "")


def test_a_restart_is_a_time_of_its_own() -> None:
    spans = restart_spans([event("started", 0.0), event("restarting", 10.0), event("restarted", 14.0)], 1_000.0)
    assert spans == [(9.0, 19.0)]
    assert inside(np.array([8.0, 9.0, 15.0, 20.0]), spans).tolist() == [False, True, True, False]
    assert restart_spans([event("restarting", 10.0)], 1_000.0) == [(9.0, float("inf"))]


def test_switches_are_judged_without_the_restarts() -> None:
    load = measured(
        [1.0, 5.0, 5.5, 10.0, 11.0, 30.0], [10.0, 30.0, 9.0, 1.0, 9.0, 10.0],
        ["ok", "ok", "UnlikeRelease", "NoServer", "ok", "NoServer"], 40.0,
    )  # fmt: skip
    load.records.sent_again[:] = [2, 0, 0, 3, 1, 4]
    done = [Did("activate", 4.9, 5.2), Did("rollback", 20.0, 21.0, "SwitchFailed: no")]
    found = switch_summary(load, done, [event("restarting", 9.5), event("restarted", 12.0)])
    assert (found["activations"], len(found["not_done"]), found["mixed"]) == (1, 1, 1)
    assert found["refused_at_first"] == 2
    assert (found["failed"], found["failed_in_restarts"], found["restarts"]) == (1, 1, 1)
    assert (found["p99_ms"], found["p99_without_ms"], found["p99_ratio"]) == (30.0, 10.0, 3.0)


@pytest.mark.parametrize("plan", [FULL, QUICK, replace(FULL, switches=7)])
def test_the_timetable_alternates_and_tries_a_release_that_is_not_live(plan: Plan) -> None:
    table = timetable(plan)
    names = [name for _, name in table]
    switches = [name for name in names if name in ("activate", "rollback")]
    assert len(switches) == plan.switches
    assert switches == [("activate", "rollback")[place % 2] for place in range(plan.switches)]
    assert switches[: names.index("canary")].count("activate") == switches[: names.index("canary")].count("rollback")
    assert names.index("end_canary") == names.index("canary") + 1
    times = [second for second, _ in table]
    assert times == sorted(times)
    assert times[0] > 0
    assert times[-1] < plan.switch_s


def test_releases_have_to_answer_differently() -> None:
    one, other = {0: {"a": 1.0, "b": 0.9}, 1: {"a": 1.0}}, {0: {"a": 0.5, "b": 0.9}, 1: {"a": 1.001}}
    assert told_apart(both(one, 1, other, 2)) == 0.5
    assert told_apart(both({0: {"a": 1.0}}, 1, {0: {"z": 1.0}}, 2)) == 1.0


@pytest.mark.parametrize(
    ("field", "value", "words"), [("step_s", 0.0, "`step_s`"), ("share", 2.0, "`share`"), ("switches", 1, "`switches`")]
)
def test_a_plan_that_cannot_be(field: str, value: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Plan(**{field: value})  # type: ignore[arg-type]


STEADY = {
    "rps": 300.0, "p50_ms": 8.0, "p99_ms": 30.0, "p999_ms": 60.0, "errors": 0, "requests": 1_000,
    "wrong": 0, "failed": {}, "late_10ms": 0, "core_s_per_million": 2_000, "generator_core_s_per_million": 500,
    "kinds": {"text": {"requests": 1_000, "p50_ms": 8.0, "p99_ms": 30.0}}, "processor_s": {"retrieve": 2.0},
    "stages": [{"model": "retrieve", "queue_ms": 0.1, "infer_ms": 1.0, "copy_ms": 0.1, "batch": 1.5}],
}  # fmt: skip
FIGURES: dict[str, Any] = {
    "knee_rps": 600.0, "knee": {"p50_ms": 10.0, "p99_ms": 100.0},
    "tried": [asdict(Tried(600.0, 600.0, 10.0, 100.0, 0, 0, 20.0, holds=True))],
    "plan": {"p99_ms": 250.0, "finest": 0.06, "step_s": 20.0, "confirm_s": 60.0, "writes_per_s": 5.0},
    "at_50": STEADY, "at_80": STEADY,
    "overload_3x": {
        "offered_rps": 1_800.0, "accepted_rps": 500.0, "accepted_p50_ms": 90.0, "accepted_p99_ms": 190.0,
        "rejected": 900, "rejection_p50_ms": 3.0, "rejection_p99_ms": 9.0, "failed": {"QueueFull": 900},
        "wrong": 0, "late_10ms": 0, "recovery_s": 1.0,
    },
    "switch": {
        "seconds": 600.0, "rps": 480.0, "requests": 288_000, "writes": 3_000, "activations": 20,
        "not_done": [], "refused_at_first": 12, "failed": 0, "failed_in_restarts": 0, "restarts": 0, "restart_s": 0.0,
        "mixed": 0, "releases": {"1": 150_000, "2": 138_000},
        "p50_ms": 10.0, "p99_ms": 45.0, "p99_without_ms": 40.0, "p99_ratio": 1.125, "apart": 1.0,
        "trial": {"by name": 100},
        "switch_s": {"activate": [0.2, 9.0], "rollback": [0.1], "canary": [1.0], "end_canary": [0.1]},
    },
    "measured": {"date": "2026-11-21T10:00:00+00:00", "processor": "a processor", "cores": 2, "python": "3.11.7"},
    "versions": {"numpy": "1.26.4"},
}  # fmt: skip


def test_all_aims_are_judged() -> None:
    assert all(goal.met for goal in goals(FIGURES))
    spoiled = {**FIGURES, "switch": FIGURES["switch"] | {"mixed": 1, "p99_ratio": 2.5, "failed": 3}}
    missed = [goal for goal in goals(spoiled) if not goal.met]
    assert [goal.correctness for goal in missed] == [True, False, False]
    late = {**FIGURES, "overload_3x": FIGURES["overload_3x"] | {"accepted_p99_ms": 201.0, "failed": {"Timeout": 1}}}
    assert len([goal for goal in goals(late) if not goal.met]) == 2


def test_the_page_shows_every_table_and_the_sum() -> None:
    page = document.render(FIGURES)
    assert "It is 600 searches a second" in " ".join(page.split())
    assert "**6 replicas**" in page
    for titled in tables(FIGURES):
        assert f"### {titled[0]}" in page
        assert shown(titled).row_count == len(titled[2])
    lines = [line for line in page.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in lines)
    assert document.render({name: FIGURES[name] for name in ("plan", "measured", "versions")}).startswith(
        "# What one server"
    )


@pytest.mark.slow
def test_the_whole_way_in_small(tmp_path: Path) -> None:
    from sample.make import make
    from tests.releases import make_release

    make(tmp_path / "sample", products=240, held_out=40, train=0, seed=11)
    make_release(tmp_path / "sample" / "catalogue.jsonl", tmp_path)
    command = [
        sys.executable,
        "-m",
        "benchmarks.load",
        "--store",
        str(tmp_path),
        "--quick",
        "--document",
        str(tmp_path),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=PROJECT, timeout=900)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    figures = json.loads((tmp_path / "load.json").read_text())
    assert {"knee_rps", "at_50", "at_80", "overload_3x", "switch"} <= set(figures)
    assert figures["switch"]["mixed"] == 0
    assert figures["switch"]["activations"] + len(figures["switch"]["not_done"]) == QUICK.switches
    assert (tmp_path / "load.md").read_text().startswith("# What one server carries")
    assert set(PARTS) == {"knee", "at_50", "at_80", "overload", "switch"}
