"""The operator's commands against ``python -m deploy serve``, as processes of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.audit import Audit
from deploy.errors import CannotSwitch
from deploy.live import Live, write_live
from deploy.operate import Operator
from deploy.operate.client import this_user
from deploy.operate.place import control_path
from deploy.switching.values import By, Canary
from ensemble.release import releases
from tests.deploy.conftest import connect_to, search, wait_for
from tests.deploy.shop import write_release

IDS = {1: ["p5", "q5"], 2: ["r5", "s5"], 3: ["t5", "u5"], 4: ["v5", "w5"]}
TEST = By("test", "to see it")


@pytest.fixture
def served(store: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Serves release 3 of four, which all answer differently."""
    for number in (2, 3, 4):
        write_release(store, number, versions=(number - 1, number), ids=IDS[number])
    write_live(store, Live(3, 2, "now"))
    ports = ["--http-port", "0", "--grpc-port", "0", "--metrics-port", "0", "--supervisor-port", "0"]
    command = [sys.executable, "-m", "deploy", "serve", "--store", str(store), *ports]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        wait_for((store / "run" / "serve.json").exists)
        yield process
    finally:
        process.kill()
        process.wait()


def deploy(store: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy", *arguments, "--store", str(store)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_release_s_life(store: Path, served: subprocess.Popen[bytes]) -> None:
    """One story, as a start takes seconds."""
    operator = Operator(store)
    wait_for(lambda: operator.status().switching is None and operator.status().loaded == (2, 3))
    control = connect_to(json.loads((store / "run" / "serve.json").read_text())["grpc"])

    def answers() -> list[str]:
        return search(control, "hello")[0]

    # on trial, asked by another name
    operator.canary(4, 0.1, TEST)
    assert operator.status().canary == Canary(4, 0.1)
    assert answers() == IDS[3]
    # what is served, was served or is on trial stays
    pruned = deploy(store, "prune", "--keep", "1")
    assert pruned.returncode == 0, pruned.stderr
    assert releases(store) == [2, 3, 4]
    # taken over
    done = deploy(store, "activate", "4", "--why", "the trial went well")
    assert done.returncode == 0, done.stderr
    assert "moving to release 4" in done.stderr
    assert answers() == IDS[4]
    status = json.loads(deploy(store, "status", "--json").stdout)
    assert (status["running"], status["status"]["live"], status["status"]["previous"]) == (True, 4, 3)
    # refused, and nothing is touched
    with pytest.raises(CannotSwitch, match="release 4 is live already"):
        operator.activate(4, TEST)
    with pytest.raises(CannotSwitch, match="there are: 2, 3, 4"):
        operator.activate(1, TEST)
    # a caller that is killed does not stop its switch
    asking = subprocess.Popen(
        [sys.executable, "-m", "deploy", "rollback", "--store", str(store)], stderr=subprocess.PIPE, text=True
    )
    assert asking.stderr is not None
    asking.stderr.readline()
    asking.send_signal(signal.SIGKILL)
    asking.communicate()
    wait_for(lambda: operator.status().live == 3 and operator.status().switching is None)
    assert answers() == IDS[3]
    control.close()
    me = this_user()
    wait_for(lambda: len(Audit(store).all()) == 6)
    assert [(entry.who, entry.action, entry.after, entry.outcome) for entry in Audit(store).all()] == [
        (f"{me}: test", "canary", 4, "done"),
        (me, "prune", None, "done"),
        (me, "activate", 4, "done"),
        (f"{me}: test", "activate", 4, "refused"),
        (f"{me}: test", "activate", 1, "refused"),
        (me, "rollback", 3, "done"),
    ]
    served.send_signal(signal.SIGTERM)
    served.wait(20)
    assert served.returncode == 0
    assert not control_path(store).exists()


def test_a_server_that_was_killed_leaves_a_socket_that_nobody_answers(
    store: Path, served: subprocess.Popen[bytes]
) -> None:
    served.kill()
    served.wait()
    assert control_path(store).is_socket()
    status = json.loads(deploy(store, "status", "--json").stdout)
    assert (status["running"], status["status"]["live"]) == (False, 3)
