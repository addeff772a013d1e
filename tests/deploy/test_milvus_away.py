"""A server whose Milvus is away: it is at work, says so, and is not repaired."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deploy.absence import Absence
from deploy.control import Control
from deploy.errors import NoAnswer, RequestFailed, WrongAnswer
from deploy.events import EventLog
from deploy.options import ServeOptions
from deploy.searching import Searching
from deploy.server import Server
from tests import tiny
from tests.deploy.conftest import FAST, connect, wait_for
from tests.deploy.milvus_shop import Lite, free_port, make_milvus_store

# Three reloads and three restarts would be over long before Milvus is back.
HASTY = replace(FAST, probe_interval_s=0.1, reload_attempts=3, max_restarts=3)
AWAY_S = 6.0


@pytest.fixture
def milvus(tmp_path: Path) -> Iterator[Lite]:
    lite = Lite(tmp_path, free_port())
    yield lite
    lite.kill()


@pytest.mark.slow
def test_a_server_outlives_an_outage_of_its_milvus(tmp_path: Path, milvus: Lite) -> None:
    store = make_milvus_store(tmp_path / "var")
    options = ServeOptions(searching=Searching("milvus", milvus.uri))
    with Server(store, options=options, watch_options=HASTY, log=tmp_path / "log") as server:
        pid, control = server.pid, connect(server)
        assert "Milvus does not answer" in refused(control)
        milvus.fill(store)
        milvus.start()
        wait_for(lambda: answered(control))
        wait_for(lambda: len(server.events) == 3)
        milvus.kill()
        wait_for(lambda: not answered(control))
        time.sleep(AWAY_S)
        assert "Milvus does not answer" in refused(control)
        milvus.start()
        wait_for(lambda: answered(control))
        wait_for(lambda: len(server.events) == 5)
        control.close()
        assert server.pid == pid
        kinds = [event.kind for event in server.events]
    assert kinds == ["started", "away", "back", "away", "back"]


def ask(control: Control) -> list[bytes]:
    row = np.eye(1, tiny.DIM, dtype=np.float32)
    outputs = control.infer("retrieve", {"TEXT_VECTOR": row, "K": np.array([[3]], np.int32)}, 20.0)
    return list(outputs["PRODUCT_ID"][0])


def answered(control: Control) -> bool:
    try:
        return len(ask(control)) == 3
    except RequestFailed as error:
        if error.status != "UNAVAILABLE":
            raise
        return False


def refused(control: Control) -> str:
    with pytest.raises(RequestFailed) as caught:
        ask(control)
    assert caught.value.status == "UNAVAILABLE"
    return caught.value.message


def away(status: str, message: str) -> NoAnswer:
    return NoAnswer("search_text", RequestFailed(status, message))


@pytest.mark.parametrize(
    "failure",
    [
        away("UNAVAILABLE", "failed to connect to all addresses"),
        away("UNAVAILABLE", "Request for unknown model: 'retrieve' is not at ready state"),
        away("INTERNAL", "Milvus refuses search: no such index"),
        WrongAnswer("search_text answers"),
    ],
)
def test_a_fault_of_the_server_is_none_of_milvus(tmp_path: Path, failure: NoAnswer | WrongAnswer) -> None:
    events = EventLog(tmp_path / "events.jsonl")
    assert not Absence(events).explains("search_text", failure)
    assert events.all() == []


def test_an_absence_is_told_once_and_so_is_its_end(tmp_path: Path) -> None:
    events = EventLog(tmp_path / "events.jsonl")
    absence = Absence(events, iter((10.0, 72.5)).__next__)
    gone = away("UNAVAILABLE", "http://milvus:19530: Milvus does not answer (search): timed out")
    absence.over("embed_product")
    for model in ("search_text", "search", "search_text"):
        assert absence.explains(model, gone)
        absence.over("embed_product")
    absence.over("search")
    assert [event.kind for event in events.all()] == ["away"]
    absence.over("search_text")
    absence.over("search_text")
    assert [event.text for event in events.all()[1:]] == ["Milvus answers again after 62.5 s"]
