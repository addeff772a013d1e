"""Processes of a serving release are killed under load: it comes back, says so, and keeps nothing of the fault."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clients import NO_RETRIES, Client, TandemError
from deploy.server import Server
from deploy.stubs import stubs_of
from tests.patient import PATIENT

TEXT = "a red mug"
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def server(store: Path) -> Iterator[Server]:
    """A server of its own, so that what is broken here is no other test's."""
    with Server(store) as running:
        yield running


def pids_of(model: str, server: Server) -> list[int]:
    """The model's stubs of this server; another one may serve the same store."""
    return [stub.pid for stub in stubs_of(server.pid) if stub.model == model]


@contextmanager
def load(url: str, picture: bytes) -> Iterator[None]:
    """Four callers without patience, who go on asking whatever they are answered."""
    stop = threading.Event()

    def ask() -> None:
        with Client(url, timeout_s=20, retries=NO_RETRIES) as client:
            while not stop.is_set():
                with contextlib.suppress(TandemError):
                    client.search(text=TEXT, image=picture)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("model", ["text_preprocess", "text_tower", "vision_tower", "retrieve"])
def test_killed_stubs_come_back_and_leave_no_trace(server: Server, sample: Path, model: str) -> None:
    picture = next((sample / "images").glob("*.jpg")).read_bytes()
    told = len(server.events)
    with Client(server.grpc_url, timeout_s=PATIENCE_S, retries=PATIENT) as client, load(server.grpc_url, picture):
        before = client.search(text=TEXT, image=picture)
        victims = pids_of(model, server)
        assert victims
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        wait_until_answered(client, picture)
        for _ in range(8):  # whichever instance answers, and though this very query met the fault
            assert [result.id for result in client.search(text=TEXT, image=picture).results] == [
                result.id for result in before.results
            ]
    news = server.events[told:]
    assert any(event.kind == "stub_died" and event.model == model for event in news)
    assert any(event.kind == "recovered" and model in str(event.model) for event in news)
    assert pids_of(model, server)
    assert not set(victims) & set(pids_of(model, server))


def wait_until_answered(client: Client, picture: bytes) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            client.search(text=TEXT, image=picture)
        except TandemError:
            if time.monotonic() > deadline:
                raise
        else:
            return
