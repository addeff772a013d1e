"""Processes of a server are killed and stopped under load."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.deploy.conftest import wait_for
from tests.faults.book import Book
from tests.faults.processes import stubs, triton_of
from tests.faults.stream import Stream
from tests.faults.trial import Record, trial
from tests.living.served import Served, regions_of

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("model", ["text_tower", "retrieve", "commit_product"])
def test_a_killed_stub(served: Served, stream: Stream, record_property: Record, model: str) -> None:
    with trial(f"SIGKILL of the stub of `{model}`", stream, served.store, served.url, record_property) as tried:
        for stub in stubs(served, model):
            os.kill(stub.pid, signal.SIGKILL)
        tried.wait("recovered")
    assert {"stub_died", "recovered"} <= set(tried.told)
    assert "restarting" not in tried.told


def test_a_stopped_stub(served: Served, stream: Stream, record_property: Record) -> None:
    with trial("SIGSTOP of the stub of `retrieve`", stream, served.store, served.url, record_property) as tried:
        os.kill(stubs(served, "retrieve")[0].pid, signal.SIGSTOP)
        tried.wait("recovered")
    assert "stub_stopped" in tried.told


def test_a_killed_triton(served: Served, stream: Stream, record_property: Record) -> None:
    with trial("SIGKILL of `tritonserver`", stream, served.store, served.url, record_property) as tried:
        os.kill(triton_of(served), signal.SIGKILL)
        tried.wait("restarted")
    assert "restarting" in tried.told
    assert not {"BadInput", "ServerFault"} & {name.split()[1] for name in tried.seen.failed}


def test_the_whole_server_is_killed_and_started_again(store: Path, record_property: Record) -> None:
    first = Served(store)
    port = first.url.rpartition(":")[2]
    with ExitStack() as stack:
        stack.callback(first.stop)
        stream = stack.enter_context(Stream(first.url, Book()))
        with trial("SIGKILL of `deploy serve`, started again", stream, store, first.url, record_property) as tried:
            state, regions = store / "run" / "serve.json", regions_of(first.pids)
            os.kill(json.loads(state.read_text())["pid"], signal.SIGKILL)
            wait_for(lambda: first.pids == [], 15.0)
            gone_s = time.monotonic() - tried.struck
            assert [path for path in regions if path.exists()] == []
            assert state.exists(), "what a killed program cannot remove, the next one replaces"
            second = Served(store, "--grpc-port", port)
            stack.callback(second.stop)
            tried.note = f"its processes and shared memory were gone after {gone_s:.1f} s; then it was started again"
    assert "started" in tried.told
    assert list((store / "tmp").glob("tandem-serve-*")) == [], "the second server has been stopped, too"
