from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from deploy import procfs
from deploy.control import Control
from deploy.options import WatchOptions
from deploy.server import Server
from tests.deploy.shop import make_store

SHM = Path("/dev/shm")  # noqa: S108 -- where Triton makes its regions
FAST = WatchOptions(process_interval_s=0.1, probe_interval_s=0.2, probe_timeout_s=1.0)

Ask = Callable[[str], tuple[list[str], list[float]]]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store; working directories of its servers are made below it, so that ``processes_of`` knows them."""
    folder = make_store(tmp_path / "var")
    (folder / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(folder / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture
def server(store: Path) -> Iterator[Server]:
    with Server(store, watch_options=FAST) as running:
        yield running


@pytest.fixture
def ask(server: Server) -> Iterator[Ask]:
    control = connect(server)
    yield lambda text: search(control, text)
    control.close()


def connect(server: Server) -> Control:
    """A connection that may load models."""
    return server.connect()


def connect_to(url: str) -> Control:
    host, port = url.removeprefix("grpc://").split(":")
    return Control(host, int(port))


def search(control: Control, text: str, timeout_s: float = 10.0) -> tuple[list[str], list[float]]:
    """Ids and scores for one text; (``p5``, ``q5``) and (7.5, 5.0) for one of five characters."""
    outputs = control.infer("search_text", {"TEXT": np.array([[text.encode()]], dtype=object)}, timeout_s)
    return [value.decode() for value in outputs["PRODUCT_ID"][0]], outputs["SCORE"][0].tolist()


def wait_for(what: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline, f"not within {timeout_s} s"
        time.sleep(0.02)


def processes_of(store: Path) -> list[int]:
    """Every process that was started with something below this folder, which no other test shares."""
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and any(str(store) in argument for argument in procfs.command_line(int(entry.name)))
    ]


class Traces:
    """What a running server has made outside the store; to be compared with what is left of it."""

    def __init__(self, pid: int) -> None:
        self.regions = {SHM / name for name in procfs.shm_regions(pid)}
        flag = "--backend-directory="
        arguments = procfs.command_line(pid)
        self.workdir = next(Path(a.removeprefix(flag)).parent for a in arguments if a.startswith(flag))

    def left(self) -> list[Path]:
        return [path for path in (*self.regions, self.workdir) if path.exists()]
