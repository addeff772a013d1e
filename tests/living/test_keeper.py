"""The keeper beside a real server, and by hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from catalogue import Product
from catalogue.database import Database, Entry
from clients import Client
from deploy.keep.options import KeepOptions
from deploy.server import Server
from ensemble.pipeline import Encoders
from tests import tiny
from tests.deploy.conftest import processes_of, wait_for
from tests.living.states import database_of, documents_in, documents_served, kinds_of_events

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def server(store: Path) -> Iterator[Server]:
    with Server(store, keep=KeepOptions(snapshot_every_s=0.5, min_changes=5)) as running:
        yield running


def write(store: Path, *products: Product, picture: bytes | None = None) -> None:
    """As a program does that knows nothing of vectors."""
    with closing(Database.open(database_of(store))) as database:
        assert all(isinstance(seq, int) for seq in database.upsert([Entry(one, picture) for one in products]))


def told(store: Path, kind: str) -> list[dict[str, Any]]:
    lines = (store / "run" / "events.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["kind"] == kind]


def test_products_of_other_programs_are_found_bad_ones_are_named_and_it_comes_back(
    server: Server, store: Path, encoders: Encoders
) -> None:
    write(store, *(Product(f"bad{number}", "red mug") for number in range(3)), picture=b"no picture")
    lamps = [Product(f"L{number:02}", "large blue lamp", price=float(number)) for number in range(40)]
    write(store, *lamps, picture=tiny.picture(tiny.COLOURS["blue"], 3))
    wait_for(lambda: bool(told(store, "embedded")))
    with Client(server.grpc_url) as client:
        seq, expected = documents_in(database_of(store))
        _, found = documents_served(client, seq)
        assert {name: one for name, one in expected.items() if not name.startswith("bad")} == found
        query = tiny.picture(tiny.COLOURS["blue"], 3)
        best = client.search(image=query, k=3, filter={"range": ["price", 20, 21]}, min_seq=seq)
        assert {result.id for result in best.results} >= {"L20", "L21"}
        (row,) = encoders.embed_product([lamps[20].as_dict()], [query])
        (vector,) = encoders.embed_image([query])
        scores = {result.id: result.score for result in best.results}
        assert abs(scores["L20"] - float(vector @ row[-len(vector) :])) < 1e-3
    assert [event["text"].split("'")[1] for event in told(store, "not_embedded")] == ["bad0", "bad1", "bad2"]
    wait_for(lambda: bool(told(store, "snapshot_written")))
    hold_that_it_comes_back(server, store)


def hold_that_it_comes_back(server: Server, store: Path) -> None:
    """A keeper that dies is started again, searches go on, and at the end none is left."""
    first, embedded = server.keeper_pid, len(told(store, "embedded"))
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: "keeper_died" in kinds_of_events(store))
    with Client(server.grpc_url) as client:
        assert client.search(text="red mug").results
    wait_for(lambda: server.keeper_pid not in (None, first))
    write(store, Product("late", "green ball"))
    wait_for(lambda: len(told(store, "embedded")) > embedded)
    server.stop()
    assert not [pid for pid in processes_of(store) if "keep" in Path(f"/proc/{pid}/cmdline").read_text()]


Keep = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def keep(store: Path) -> Keep:
    """Runs ``python -m deploy keep --once`` over the store."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deploy", "keep", "--store", str(store), "--once", *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True, cwd=PROJECT, timeout=60)

    return run


def test_by_hand_it_writes_a_snapshot_also_without_a_server(store: Path, keep: Keep) -> None:
    write(store, Product("one", "red mug"))
    done = keep("--min-changes", "1")
    assert done.returncode == 0, done.stderr
    assert "nothing is embedded: no server over" in done.stderr
    assert "snapshot of release 1 at 41: 40 products" in done.stderr
    assert (store / "snapshots" / "0001" / f"{41:012d}").is_dir()
    assert (store / "snapshots" / "0001" / "recommender" / f"{41:012d}").is_dir()
    again = keep("--min-changes", "1")
    assert again.returncode == 0
    assert len(told(store, "snapshot_written")) == 2  # of both indexes, and once each


def test_by_hand_it_says_what_is_missing(store: Path, keep: Keep, tmp_path: Path) -> None:
    done = keep("--catalogue", f"sqlite:///{tmp_path / 'gone.sqlite'}")
    assert done.returncode == 1
    assert "no such file" in done.stderr
    assert "Traceback" not in done.stderr
    assert keep("--min-changes", "0").returncode == 1


def test_without_a_release_it_says_how_to_make_one(tmp_path: Path) -> None:
    Database.open(f"sqlite:///{tmp_path / 'catalogue.sqlite'}", create=True).close()
    command = [sys.executable, "-m", "deploy", "keep", "--store", str(tmp_path), "--once"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=PROJECT, timeout=60)
    assert done.returncode == 1
    assert "holds no release" in done.stderr
