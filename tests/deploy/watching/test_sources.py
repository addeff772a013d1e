"""Where a look gets what it sees, when what is there is damaged or slow."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clients import Answer, Query, Timeout
from deploy.watching.bounds import Bounds
from deploy.watching.errors import NoMetrics
from deploy.watching.looking import Looker
from deploy.watching.sources import Place, ServerMetrics, Sources, StoreDrifts
from tests.deploy.watching.scripted_server import Server
from tests.deploy.watching.test_questions import write


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A URL that answers with some bytes, whatever they are, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4_096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/metrics"
        thread.join()


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nnv_", b"no HTTP\r\n", b"", b"HTTP/1.1 200 OK\r\n\r\n\xff\xfe"],
    ids=["cut short", "bad status", "hung up", "not UTF-8"],
)
def test_an_answer_that_is_no_metrics_is_told_as_such(tmp_path: Path, answer: bytes) -> None:
    (tmp_path / "run").mkdir()
    with answering(answer) as url:
        (tmp_path / "run" / "serve.json").write_text(json.dumps({"metrics": url}))
        with pytest.raises(NoMetrics, match="127"):
            ServerMetrics(Place(tmp_path)).scrape()


class Hanging(Server):
    """Answers no question in time."""

    def search(self, query: Query) -> Answer:
        del query
        time.sleep(0.05)
        raise Timeout("no answer")


def test_a_look_at_a_release_that_hangs_ends_when_its_time_is_over(tmp_path: Path) -> None:
    write(tmp_path, {"text": "mug", "products": ["M1"]}, recall=1.0)
    server = Hanging(tmp_path)
    bounds = Bounds(interval_s=0.3, questions_per_s=50.0, grace_s=0.0)
    looker = Looker(tmp_path, bounds, Sources(server, server, server, server, server), lambda: server.time)
    asked = looker.look(threading.Event().wait).live.failed
    assert 0 < asked <= 6 < bounds.questions


def test_a_question_may_take_as_long_as_requests_may_and_no_longer_than_a_look() -> None:
    assert Bounds().question_s == 1.0
    assert Bounds(p99_ms=2_000.0).question_s == 4.0
    assert Bounds(p99_ms=60_000.0).question_s == 10.0


def test_a_release_without_a_baseline_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    drifts = StoreDrifts(tmp_path)
    for _ in range(3):
        assert drifts.look(2) is None
    assert caplog.text.count("drift of release 2 is not looked for") == 1
    assert drifts.newest is None
