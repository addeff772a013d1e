"""Prometheus goes, or hangs half-way: nobody who searches notices."""

from __future__ import annotations

import json
import socket
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.faults.stream import Stream
from tests.faults.trial import Record, trial
from tests.living.served import Served

pytestmark = pytest.mark.slow

SCRAPERS = 64
HANGS_S = 5.0


def test_scrapers_hang_half_way(served: Served, stream: Stream, shared_store: Path, record_property: Record) -> None:
    fault = f"Prometheus gone: {SCRAPERS} scrapes hang half-way for {HANGS_S:g} s, then nobody scrapes"
    metrics = metrics_of(shared_store)
    with trial(fault, stream, shared_store, served.url, record_property) as tried, ExitStack() as stack:
        for number in range(SCRAPERS):
            hang(stack, metrics, begun=b"GET /metr" if number % 2 else b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(HANGS_S)
    assert tried.seen.failed == {}
    assert tried.told == []
    with urllib.request.urlopen(metrics, timeout=5) as answer:  # noqa: S310 -- our own loopback address
        assert b"nv_inference_request_success" in answer.read()


def metrics_of(store: Path) -> str:
    """The address that Prometheus would ask."""
    return str(json.loads((store / "run" / "serve.json").read_text())["metrics"])


def hang(stack: ExitStack, url: str, begun: bytes) -> None:
    """A connection that says so much, then nothing, and never reads what it is answered."""
    address = urlsplit(url)
    connection = socket.socket()
    stack.enter_context(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.connect((address.hostname, address.port))
    connection.sendall(begun)
