"""Runs on a local Ray: one for all tests, started as a run starts it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.procfs import children, read
from export.bulk import cluster as clusters
from export.bulk.cluster import cluster
from export.bulk.running import MAX_TRIES
from export.errors import WorkerFailed, WorkersLost
from tests import tiny
from tests.export.bulk.conftest import Embed
from tests.export.bulk.test_run import bytes_of, rows_of

# Ray's own code uses what it has deprecated itself, and leaves files open.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
FIFO = "P012.png"


@pytest.fixture(scope="module")
def ray() -> Iterator[object]:
    """A local Ray of two cores that runs find and use."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clusters, "OBJECT_STORE_BYTES", 100 << 20)
        with cluster(None, 2) as connected:
            yield connected


@pytest.fixture
def stuck(catalogue: Path) -> Path:
    """A picture that whoever opens it waits for."""
    path = catalogue.parent / "images" / FIFO
    path.unlink()
    os.mkfifo(path)
    return path


def below(pid: int) -> dict[int, str]:
    """What every process below one is called, by its id; those that have ended are left out."""
    found: dict[int, str] = {}
    for process in children(pid):
        with contextlib.suppress(OSError):
            name = Path(f"/proc/{process.pid}/cmdline").read_text("utf-8", "replace")
            found |= ({} if process.ended else {process.pid: name}) | below(process.pid)
    return found


def workers() -> list[int]:
    """The processes of this Ray that embed."""
    return [pid for pid, name in below(os.getpid()).items() if "_Actor" in name]


def ended(pids: Iterable[int], timeout_s: float) -> bool:
    """Whether processes end within some time."""
    end = time.monotonic() + timeout_s
    left = list(pids)
    while left and time.monotonic() < end:
        time.sleep(0.05)
        left = [pid for pid in left if (process := read(pid)) is not None and not process.ended]
    return not left


def send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def has_reader(fifo: Path) -> bool:
    """Whether somebody waits to read a named pipe."""
    try:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def killing(path: Path, then: Callable[[int], None]) -> threading.Thread:
    """Kills the workers with SIGKILL whenever one waits for a picture; ends with the path's being another file."""

    def kill() -> None:
        killed = 0
        end = time.monotonic() + 120
        while path.is_fifo() and time.monotonic() < end:
            time.sleep(0.05)
            stopped = workers()
            # Stopped first: who waits for the picture would be woken by the look at it.
            send(stopped, signal.SIGSTOP)
            waits = has_reader(path)
            send(stopped, signal.SIGKILL if waits else signal.SIGCONT)
            if waits and ended(stopped, 10):
                killed += 1
                then(killed)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def test_shards_from_workers_are_those_from_one_process(
    ray: object, embed: Embed, out: Path, request: pytest.FixtureRequest
) -> None:
    embed()
    found = bytes_of(out)
    request.getfixturevalue("here")
    embed(out=out.with_name("here"))
    assert bytes_of(out.with_name("here")) == found
    assert len(rows_of(out)) == 40


def test_a_worker_that_is_killed_halfway_costs_nothing_but_its_part(
    ray: object, embed: Embed, out: Path, stuck: Path
) -> None:
    picture = dict(zip((row["id"] for row in tiny.products()), tiny.pictures(tiny.products()), strict=True))["P012"]

    def mend(_: int) -> None:
        whole = stuck.with_suffix(".whole")
        whole.write_bytes(picture)
        whole.replace(stuck)

    thread = killing(stuck, mend)
    summary = embed(workers=1)
    thread.join()
    assert summary.manifest.products == 40
    assert summary.manifest.failures == ()
    assert len(rows_of(out)) == 40


def test_workers_that_die_again_and_again_end_the_run_and_leave_whole_shards(
    ray: object, embed: Embed, out: Path, stuck: Path
) -> None:
    deaths: list[int] = []
    thread = killing(stuck, deaths.append)
    with pytest.raises(WorkersLost, match=r"died 4 times over the same 4 product\(s\), 'P01\d' to 'P01\d'") as caught:
        embed(workers=1)
    stuck.unlink()
    thread.join()
    assert len(deaths) == MAX_TRIES
    assert "--batch 1" in str(caught.value)
    assert (out / "shard-000000.parquet").is_file()
    assert not (out / "manifest.json").exists()
    summary = embed(skip_bad_rows=True)
    assert summary.kept >= 1
    assert summary.manifest.products == 39


def test_what_a_worker_says_is_told(ray: object, embed: Embed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.bulk.run.made_by", lambda: {"numpy": "0.1"})
    with pytest.raises(WorkerFailed, match=r"a worker has another .*numpy"):
        embed()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_whole_shards_and_no_process(
    catalogue: Path, store: Path, out: Path, stuck: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "export", "embed", str(catalogue), "--store", str(store), "--out", str(out)]
    command += ["--workers", "1", "--shard-rows", "10", "--batch", "4"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "."})
    end = time.monotonic() + 120
    while not (out / "shard-000000.parquet").exists() and time.monotonic() < end:
        time.sleep(0.1)
    started = below(process.pid)
    assert any("raylet" in name for name in started.values())
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from there" in errors
    assert "Traceback" not in errors
    assert ended(started, 20)
    assert [path.name for path in sorted(out.iterdir())] == [".lock", "shard-000000.parquet"]


def test_a_cluster_is_joined_at_its_address_and_goes_on(ray: Any, catalogue: Path, store: Path, out: Path) -> None:
    address = ray.get_runtime_context().gcs_address
    command = [sys.executable, "-m", "export", "embed", str(catalogue), "--store", str(store), "--out", str(out)]
    command += ["--ray", address, "--workers", "1", "--shard-rows", "10"]
    environment = os.environ | {"PYTHONPATH": "."}
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "40 product(s) in 4 shard(s)" in done.stderr
    assert ray.get(ray.put(1)) == 1
    assert len(rows_of(out)) == 40
