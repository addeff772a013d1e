"""Runs the plain FastAPI app in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def plain_server(models: Path, release: int) -> Iterator[int]:
    """The FastAPI app in a process of its own; gives its port."""
    port = _free_port()
    environment = os.environ | {"TANDEM_MODELS": str(models), "TANDEM_RELEASE": str(release), "OMP_NUM_THREADS": "1"}
    command = ["uvicorn", "benchmarks.plain_app:app", "--port", str(port), "--log-level", "warning", "--no-access-log"]
    process = subprocess.Popen([sys.executable, "-m", *command], env=environment)
    try:
        _await_app(port, process)
        yield port
    finally:
        process.terminate()
        process.wait()


def _await_app(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json", timeout=1):
                return
        except OSError:
            if process.poll() is not None:
                raise SystemExit("the FastAPI app did not start; see its output above") from None
            time.sleep(0.1)
    raise SystemExit("the FastAPI app did not answer within 30 s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
