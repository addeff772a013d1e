"""Open arrivals at a real server, by the library and by the command line."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from clients import RetryPolicy
from deploy.server import Server
from loadtest import Fleet, Measured, Traffic, make_schedule, run_open, steady
from loadtest.arrivals.references import join, learn
from loadtest.cli import app
from loadtest.errors import BadLoad, NoServerThere
from loadtest.metrics.scrape import parse
from tests.loadtest.conftest import RECOMMENDING

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def traffic(mix_file: Path) -> Traffic:
    return Traffic.read(mix_file, writes_per_s=8.0)


def shares(measured: Measured) -> tuple[int, int, int]:
    return measured.scheduled, measured.ok + sum(measured.failed.values()), measured.cut_off


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_every_kind_of_request_is_sent_on_schedule_and_its_answer_checked(
    server: Server, traffic: Traffic, protocol: str
) -> None:
    url = server.grpc_url if protocol == "grpc" else server.http_url
    measured = run_open(url, 40, 3, traffic, processes=2, seed=2, timeout_s=30, retries=RetryPolicy())
    assert measured.failed == {}
    assert set(measured.kinds) == {part.kind for part in (*traffic.mix.parts, *traffic.mix.writes)}
    assert shares(measured) == (measured.planned, measured.planned, 0)
    assert set(measured.releases) == {server.release}
    assert measured.recall is not None
    assert measured.recall > 0.5
    assert measured.generator_cpu_s > 0
    assert (measured.records.latency_ms >= measured.records.late_ms).all()
    assert measured.records.due_s.tolist() == make_schedule(traffic, steady(40, 3), 2).due_s.tolist()


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_every_kind_of_recommendation_is_asked_for_and_its_answer_checked(
    server: Server, recommending: Traffic, protocol: str
) -> None:
    url = server.grpc_url if protocol == "grpc" else server.http_url
    measured = run_open(url, 40, 2, recommending, seed=2, timeout_s=30, retries=RetryPolicy())
    assert measured.failed == {}
    assert set(measured.kinds) == RECOMMENDING
    assert set(measured.releases) == {server.release}
    assert learn(server.grpc_url, recommending, recommending.draw(5, seed=1).tolist()) == {}


def test_an_answer_that_is_not_the_named_release_s_is_told(server: Server, traffic: Traffic) -> None:
    numbers = sorted(set(traffic.draw(40, seed=1).tolist()))
    learnt = learn(server.grpc_url, traffic, numbers)
    assert {release for told in learnt.values() for release in told} == {server.release}
    assert {len(traffic.make(number).rows) for number in learnt} == {1}
    searches = replace(traffic, mix=replace(traffic.mix, writes_per_s=0.0))
    schedule = make_schedule(searches, steady(20, 2), seed=1)
    right = run_open(server.grpc_url, 20, 2, searches, references=learnt)
    assert right.failed == {}
    first = next(number for number in schedule.numbers.tolist() if number in learnt)
    other = {first: {server.release: dict.fromkeys(learnt[first][server.release], 99.0)}}
    wrong = run_open(server.grpc_url, 20, 2, searches, references=join(learnt, other))
    assert wrong.failed == {"UnlikeRelease": schedule.numbers.tolist().count(first)}
    assert wrong.wrong == wrong.failed["UnlikeRelease"]


def test_a_fleet_sends_one_schedule_after_the_other_and_can_be_stopped(server: Server, traffic: Traffic) -> None:
    with Fleet(server.grpc_url, traffic, processes=2) as fleet:
        assert fleet.run(make_schedule(traffic, steady(20, 1), seed=3)).failed == {}
        run = fleet.start(make_schedule(traffic, steady(20, 600), seed=4))
        while run.second < 1:
            assert fleet_is_alive(run.processes)
        run.stop()
        stopped = run.wait()
        assert stopped.stopped
        assert 0 < stopped.scheduled < stopped.planned
        assert stopped.scheduled == stopped.ok + stopped.cut_off
        assert fleet.run(make_schedule(traffic, steady(20, 1), seed=5)).failed == {}
    assert not fleet_is_alive(run.processes)


def fleet_is_alive(processes: tuple[subprocess.Popen[bytes], ...]) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        processes[0].wait(0.05)
    return all(process.poll() is None for process in processes)


def test_no_server_and_no_processes_are_told_before_anything_is_sent(traffic: Traffic) -> None:
    with pytest.raises(NoServerThere, match="no Tandem server is ready at"):
        run_open("grpc://127.0.0.1:9", 1, 1, traffic)
    with pytest.raises(BadLoad, match="processes: 0; allowed: 1 to"):
        run_open("grpc://127.0.0.1:9", 1, 1, traffic, processes=0)


Invoke = Callable[..., tuple[int, str]]


@pytest.fixture
def words(server: Server, mix_file: Path, tmp_path: Path) -> list[str]:
    """Options of every command."""
    named = ("--url", server.grpc_url, "--mix", mix_file, "--metrics", server.metrics_url)
    return [*map(str, (*named, "--out", tmp_path / "report.html"))]


@pytest.fixture
def invoke(words: list[str]) -> Invoke:
    """Runs a command of ``python -m loadtest``: its exit code, and all that it said."""

    def run(command: str, *args: str | Path) -> tuple[int, str]:
        result = CliRunner().invoke(app, [command, *words, *map(str, args)])
        return result.exit_code, " ".join(result.output.split())

    return run


def slo(folder: Path, text: str) -> Path:
    path = folder / "slo.toml"
    path.write_text(text)
    return path


def test_the_command_line_keeps_a_promise_and_writes_what_it_measured(invoke: Invoke, tmp_path: Path) -> None:
    promised = slo(tmp_path, "error_rate = 0.0\nmin_rps = 1\nrecall_probe = 0.5\n")
    code, told = invoke("run", "--rate", "20", "-t", "3", "--writes", "2", "--slo", promised)
    assert code == 0, told
    assert told.count("kept") == 3
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["kept"] is True
    assert report["scheduled"] == report["ok"] > 30
    assert {"retrieve 1", "text_tower 1", "search_text 1"} <= set(report["steps"])
    assert report["steps"]["retrieve 1"]["mean_ms"] > 0
    assert "Mean time in each step" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (("--rate", "10", "-t", "1", "--slo", "min_rps = 1000"), 1, "promised at least 1000: off by"),
        (("--slo", "p50_ms = 1000"), 2, "p50_ms: unknown; allowed: p99_ms"),
        (("--shape", "tide"), 2, "allowed: steady, ramp, spike, soak"),
        (("--rate", "-1"), 2, "allowed: finite, 0 or more"),
        (("--url", "grpc://127.0.0.1:9", "-t", "1"), 3, "no Tandem server is ready at grpc://127.0.0.1:9"),
        (("--store", "/nowhere"), 3, "no server of the store '/nowhere' runs"),
    ],
)
def test_what_came_of_it_is_the_exit_code(
    invoke: Invoke, tmp_path: Path, args: tuple[str, ...], code: int, told: str
) -> None:
    found = invoke("run", *(slo(tmp_path, one) if "=" in one else one for one in args))
    assert (found[0], told in found[1]) == (code, True), found


def test_the_knee_is_searched_for_by_the_command_line(invoke: Invoke, tmp_path: Path) -> None:
    options = ("--first", "5", "--factor", "2", "--within", "0.5", "--most", "10", "-t", "1", "--p99-ms", "8000")
    code, told = invoke("ramp", *options)
    assert code == 0, told
    assert told.count(": carried") == 2
    knee = json.loads((tmp_path / "report.json").read_text())["knee"]
    assert [step["carried"] for step in knee["steps"]] == [True, True]
    assert knee["found"] is False


def test_ctrl_c_ends_with_130_and_writes_the_report_of_what_was_measured(
    server: Server, words: list[str], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "loadtest", "run", *words, "--rate", "20", "-t", "600"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        wait_until_sending(server, process)
        os.killpg(process.pid, signal.SIGINT)
        told, _ = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "It was stopped after" in told
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["stopped"] is True
    assert 0 < report["scheduled"] < report["planned"]


def wait_until_sending(server: Server, process: subprocess.Popen[str]) -> None:
    """Until the server has had requests that were not there before."""
    before = requests_of(server)
    while requests_of(server) < before + 10:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
        assert process.poll() is None


def requests_of(server: Server) -> float:
    with urllib.request.urlopen(server.metrics_url) as page:  # noqa: S310 - the test's own server
        totals = parse(page.read().decode())
    return sum(one.request_success for (model, _), one in totals.items() if model.startswith("search"))
