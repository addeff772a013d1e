"""What the models tell a real server, and what is left of it when they are gone."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.control import Control
from deploy.server import Server
from deploy.stubs import StubTable
from ensemble.variables import BESIDE
from tests.deploy.conftest import connect, wait_for
from tests.deploy.measured.conftest import ask, samples_of, total

REPORTED_S = 20.0


@pytest.fixture(scope="module")
def asked(served: Server, photo: bytes) -> Server:
    ask(served, photo, times=3)
    return served


def soon(what: Callable[[], bool]) -> None:
    """The models report once a second."""
    wait_for(what, REPORTED_S)


def test_searches_are_counted_by_kind_filter_and_result(asked: Server) -> None:
    def count(**labels: str) -> float:
        return total(asked.metrics_url, "tandem_searches_total", release="1", engine="cpu", **labels)

    soon(lambda: count(result="refused") == 6)
    assert count(kind="photo", filtered="no", result="full") >= 3
    assert count(kind="both", filtered="yes", result="fewer") == 3
    assert count(kind="text", filtered="yes", result="none") == 3


def test_selectivity_is_a_histogram(asked: Server) -> None:
    def buckets() -> dict[str, float]:
        told = samples_of(asked.metrics_url, "tandem_filter_selectivity_ratio_bucket", model="retrieve")
        return {sample.labels["le"]: sample.value for sample in told}

    soon(lambda: buckets().get("+Inf", 0) >= 6)
    counts = [buckets()[end] for end in ("0", "0.1", "0.5", "1", "+Inf")]
    assert counts[0] == 3
    assert counts == sorted(counts)
    assert counts[-2] == counts[-1]
    assert 0 < total(asked.metrics_url, "tandem_filter_selectivity_ratio_sum") < counts[-1] - 3


def test_the_index_and_its_journal(asked: Server) -> None:
    def one(name: str) -> float:
        (sample,) = samples_of(asked.metrics_url, name, release="1", model="retrieve")
        return sample.value

    soon(lambda: one("tandem_index_applied_seq") >= 9)
    assert one("tandem_index_live_rows") == 40
    assert one("tandem_index_dead_rows") == 3
    assert one("tandem_index_row_bytes") == 43 * (16 + 8) * 2
    assert one("tandem_journal_behind_seconds") < 20
    assert one("tandem_journal_trouble") == 0
    assert abs(one("tandem_reported_timestamp_seconds") - time.time()) < 20


def test_writes_and_caches(asked: Server) -> None:
    def writes(operation: str) -> float:
        return total(asked.metrics_url, "tandem_writes_total", operation=operation, outcome="done")

    soon(lambda: [writes(each) for each in ("commit", "patch", "delete")] == [3, 3, 3])
    lookups = [total(asked.metrics_url, "tandem_tower_cache_lookups_total", model=one) for one in TOWERS]
    hits = [total(asked.metrics_url, "tandem_tower_cache_hits_total", model=one) for one in TOWERS]
    assert all(lookups[at] > hits[at] > 0 for at in range(2))
    for model in (*TOWERS, "retrieve"):
        assert total(asked.metrics_url, "tandem_batch_rows_count", model=model) > 0


TOWERS = ("text_tower", "vision_tower")


def test_two_instances_have_series_of_their_own(asked: Server) -> None:
    processes = {
        one.labels["process"] for one in samples_of(asked.metrics_url, "tandem_batch_rows_count", model=TOWERS[0])
    }
    assert len(processes) == len(stubs(asked, TOWERS[0]))
    assert len(processes) > 1


def test_latencies_by_step_and_release(asked: Server) -> None:
    """Triton's own summaries: their quantiles are of the last minute. It has no histogram for what answers once."""
    for model in ("search_text", "text_preprocess", "text_tower", "retrieve"):
        told = samples_of(asked.metrics_url, "nv_inference_request_summary_us", model=model, version="1")
        assert {"0.5", "0.9", "0.99", "0.999"} <= {sample.labels["quantile"] for sample in told}
        assert total(asked.metrics_url, "nv_inference_request_summary_us_count", model=model, version="1") > 0
    assert not samples_of(asked.metrics_url, "nv_inference_first_response_histogram_ms_count")


@pytest.fixture
def watched_by_nobody(released: Path) -> Iterator[Server]:
    with Server(released, watch=False) as running:
        yield running


def test_what_is_loaded_beside_callers_serves_at_full_priority(asked: Server) -> None:
    models = ("retrieve", "text_tower", "commit_product")
    environment = Path(f"/proc/{stubs(asked, models[0])[0]}/environ").read_bytes().split(b"\0")
    (mark,) = (Path(entry.decode().partition("=")[2]) for entry in environment if entry.startswith(BESIDE.encode()))
    mark.touch()
    try:
        for model in models:
            reload(asked, model)
    finally:
        mark.unlink()
    nice = {task: niceness(task) for model in models for pid in stubs(asked, model) for task in tasks(pid)}
    assert len(nice) > len(models)
    assert set(nice.values()) == {0}


def tasks(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").iterdir())


def niceness(task: Path) -> int:
    return os.getpriority(os.PRIO_PROCESS, int(task.name))


def stubs(server: Server, model: str) -> list[int]:
    control = connect(server)
    table = StubTable(server.pid, control.ready_versions)
    table.look()
    control.close()
    return [stub.pid for stub in table.of_model(model, 1)]


def reload(server: Server, model: str, scripts: set[Path] | None = None) -> set[Path]:
    """Load a model anew; its files, which are not to be found any more once its processes are killed."""
    control: Control = connect(server)
    table = StubTable(server.pid, control.ready_versions)
    table.look()
    found = scripts or {stub.script for stub in table.of_model(model, 1)}
    for script in found:
        script.touch()
    control.load(model, 60.0)
    control.close()
    return found


def test_a_process_that_ends_leaves_nothing_and_one_that_is_killed_is_told_by_its_age(
    watched_by_nobody: Server, photo: bytes
) -> None:
    server = watched_by_nobody

    def processes() -> set[int]:
        told = samples_of(server.metrics_url, "tandem_reported_timestamp_seconds", model="retrieve")
        return {int(sample.labels["process"]) for sample in told}

    (first,) = stubs(server, "retrieve")
    soon(lambda: processes() == {first})
    scripts = reload(server, "retrieve")
    (second,) = stubs(server, "retrieve")
    soon(lambda: processes() == {second})
    assert {
        one.labels["process"] for one in samples_of(server.metrics_url, "tandem_index_live_rows", model="retrieve")
    } == {str(second)}

    os.kill(second, signal.SIGKILL)
    reload(server, "retrieve", scripts)
    (third,) = stubs(server, "retrieve")
    soon(lambda: processes() == {second, third})
    ages = {
        sample.labels["process"]: sample.value
        for sample in samples_of(server.metrics_url, "tandem_reported_timestamp_seconds", model="retrieve")
    }
    assert ages[str(second)] < ages[str(third)]
    ask(server, photo)
