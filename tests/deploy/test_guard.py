"""The guard, over small programs that stand for the server and its stubs."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy import guard, procfs
from deploy.command import server_environment
from deploy.process import TritonProcess
from tests.deploy.conftest import SHM, processes_of, wait_for

TMP = Path("/tmp")  # noqa: S108 -- where Triton makes them

Start = Callable[[str], TritonProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts Python code behind a guard; its working directory is ``work``."""
    started: list[TritonProcess] = []

    def run(code: str) -> TritonProcess:
        work = tmp_path / "work"
        work.mkdir()
        script = tmp_path / "program.py"
        script.write_text(textwrap.dedent(code))
        command = [sys.executable, str(script)]
        started.append(TritonProcess(command, server_environment(work), work, tmp_path / "log"))
        return started[-1]

    yield run
    for process in started:
        process.stop(0.0)


def test_the_exit_code_is_handed_on_and_the_directory_removed(start: Start, tmp_path: Path) -> None:
    process = start("import sys; print('last words'); sys.exit(7)")
    assert process.wait(10)
    assert process.returncode == 7
    assert process.last_words() == "last words"
    assert not (tmp_path / "work").exists()


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    process = TritonProcess(
        ["/nowhere/tritonserver"], server_environment(tmp_path), tmp_path / "work", tmp_path / "log"
    )
    assert process.wait(10)
    assert process.returncode == 127
    assert "No such file" in process.last_words()
    process.stop(0.0)


def test_the_directory_for_packed_environments_goes_unless_it_is_used(start: Start) -> None:
    empty, used, earlier = (TMP / f"python_env_{uuid.uuid4().hex[:6]}" for _ in range(3))
    earlier.mkdir()
    try:
        process = start(
            f"""
            import subprocess, pathlib
            for path in ({str(empty)!r}, {str(used)!r}):
                pathlib.Path(path).mkdir()
            pathlib.Path({str(used)!r}, "bin").mkdir()
            subprocess.run(["sleep", "1"])
            """
        )
        assert process.wait(10)
        assert [path.exists() for path in (empty, used, earlier)] == [False, True, True]
    finally:
        (used / "bin").rmdir()
        used.rmdir()
        earlier.rmdir()


def test_sigterm_reaches_the_program(start: Start) -> None:
    process = start(
        """
        import signal, sys
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
        print("up", flush=True)
        signal.pause()
        """
    )
    wait_for(lambda: "up" in process.log.text())
    process.stop(10.0)
    assert process.returncode == 5


def test_a_program_that_does_not_end_is_killed(start: Start) -> None:
    process = start(
        """
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("up", flush=True)
        time.sleep(600)
        """
    )
    wait_for(lambda: "up" in process.log.text())
    process.stop(0.2)
    assert process.returncode == 128 + signal.SIGKILL
    assert procfs.read(process.pid) is None


def test_stopped_orphans_and_their_shared_memory_go_too(start: Start, tmp_path: Path) -> None:
    region = SHM / f"triton_python_backend_shm_region_{uuid.uuid4()}"
    other = SHM / f"triton_python_backend_shm_region_{uuid.uuid4()}"
    other.write_bytes(b"of another server")
    stub = (
        f"import mmap, time; f = open('{region}', 'w+b'); f.truncate(9); m = mmap.mmap(f.fileno(), 0); time.sleep(600)"
    )
    process = start(
        f"""
        import subprocess, sys, time
        subprocess.Popen([sys.executable, "-c", {stub!r}, {str(tmp_path)!r}])
        time.sleep(600)
        """
    )
    wait_for(region.exists)
    try:
        (child,) = procfs.children(process.pid)
        wait_for(lambda: bool(procfs.shm_regions(child.pid)))
        os.kill(child.pid, signal.SIGSTOP)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(10)
        assert process.returncode == 128 + signal.SIGKILL
        assert processes_of(tmp_path) == []
        assert not region.exists()
        assert other.exists()
    finally:
        other.unlink()


def test_looks_are_frequent_only_at_first() -> None:
    now = time.monotonic()
    assert guard.pause(known=False, since=now) < guard.pause(known=True, since=now)
    assert guard.pause(known=False, since=now - 120.0) == guard.pause(known=True, since=now)
