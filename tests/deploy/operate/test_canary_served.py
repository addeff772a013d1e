"""Callers with a key, while a real release is tried, taken over and rolled back on a real server."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients import Client, NoCanary, TandemError
from clients.canary import place_of
from deploy.operate import Operator
from deploy.operate.service import ControlSocket
from deploy.server import Server
from deploy.switching.values import By
from tests.export.conftest import Make, make, shop, sources, towers

__all__ = ["make", "shop", "sources", "towers"]

ME = By("test")
pytestmark = pytest.mark.slow

KEYS = [f"user {number}" for number in range(40)]


@pytest.fixture(scope="module")
def server(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Operator]]:
    """Serves release 1 of two."""
    store: Path = tmp_path_factory.mktemp("canary") / "var"
    make(store)
    make(store)
    with Server(store, release=1) as running, contextlib.closing(ControlSocket(store)) as control:
        control.start(running.switchboard)
        yield running, Operator(store)


def tried(share: float) -> set[str]:
    return {key for key in KEYS if place_of(key, 2) < share}


def test_keys_follow_a_trial_from_its_beginning_to_its_end(server: tuple[Server, Operator]) -> None:
    running, operator = server
    assert 5 < len(tried(0.3)) < 20
    for url in (running.grpc_url, running.http_url):
        operator.canary(2, 0.3, ME)
        with Client(url) as client, Client(url, canary="only") as only:
            answered = {key: client.search(text="red mug", key=key).release for key in KEYS}
            assert {key for key, release in answered.items() if release == 2} == tried(0.3)
            assert client.search(text="red mug").release == 1
            assert only.search(text="red mug").release == 2
            operator.end_canary(ME)
            assert {client.search(text="red mug", key=key).release for key in KEYS} == {1}
            with pytest.raises(NoCanary, match="no release is on trial"):
                only.search(text="red mug")


def test_no_request_fails_while_trials_come_and_go(server: tuple[Server, Operator]) -> None:
    running, operator = server
    stop, errors, seen = threading.Event(), [], set()

    def ask(url: str) -> None:
        with Client(url) as client:
            while not stop.is_set():
                for key in KEYS[:5]:
                    try:
                        seen.add(client.search(text="red mug", key=key).release)
                    except TandemError as error:
                        errors.append(repr(error))

    operator.canary(2, 1.0, ME)
    threads = [threading.Thread(target=ask, args=(url,)) for url in (running.grpc_url, running.http_url)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        operator.end_canary(ME)
        operator.canary(2, 1.0, ME)
    operator.activate(2, ME)
    operator.rollback(ME)
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert seen == {1, 2}
