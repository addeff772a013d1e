"""Signals to process 1: each script runs in a process of its own, as it takes over the signals and the children."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.command import PROJECT_ROOT
from deploy.container import reading
from tests.deploy.shop import make_store

# Stands for minutes of work
SLOW = """
import time
from deploy.container import cli, serving

def work_for_long(*_):
    print("at work", flush=True)
    time.sleep(120)

serving.{step} = work_for_long
cli.main()
"""
# One signal comes while the server is being started
MEANWHILE = """
import os, signal
from deploy.container.supervising import Ending, Stopping, Supervised
from deploy.secret import Secret

stopping = Stopping()
stopping.on_signals()

def start():
    os.kill(os.getpid(), signal.SIGTERM)
    server = Supervised(["/bin/sleep", "60"], os.environ, Secret.make())
    return Ending(server, lambda hurry: print("drained") is None, lambda: print("closed"))

print(stopping.begin(start).wait())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("step", ["check_release", "models_environment"])
def test_a_start_ends_at_once_when_asked_to_and_leaves_nothing(tmp_path: Path, number: int, step: str) -> None:
    store = make_store(tmp_path / "var")
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW.format(step=step)],
        env={reading.STORE: str(store), reading.NAME: "test-stopping", "TMPDIR": str(tmp_path)},
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        while process.stdout.readline().strip() != b"at work":
            assert process.poll() is None
        process.send_signal(number)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()
    assert not list(tmp_path.glob("tandem-*"))


def test_a_signal_while_the_server_is_started_ends_it_as_soon_as_it_is_there() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEANWHILE], cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout.split() == ["closed", "drained", "143"]
    assert done.stderr == ""
