from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from pymilvus.exceptions import MilvusException, ParamError

from ensemble.errors import Unavailable
from ensemble.index.milvus import MilvusAway, MilvusOptions, MilvusRefused
from ensemble.index.milvus.connection import Connection
from tests.ensemble.milvus.lite import options_in


class Broken(grpc.RpcError):  # type: ignore[misc]
    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE

    def details(self) -> str:
        return "connection refused"


@pytest.fixture
def silent() -> Iterator[str]:
    """A machine that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://root:secret@127.0.0.1:{server.getsockname()[1]}"


def test_a_milvus_that_does_not_answer_is_told_in_time(silent: str) -> None:
    connection = Connection(MilvusOptions(silent, token="root:secret", timeout_s=0.2))
    with pytest.raises(MilvusAway, match=r"http://127.0.0.1:\d+: Milvus does not answer \(has_collection\)") as caught:
        connection.call("has_collection", "a")
    assert isinstance(caught.value, Unavailable)
    assert "secret" not in str(caught.value)


def test_who_asks_again_at_once_does_not_wait_again(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble.index.milvus.connection.QUIET_S", 1_000.0)
    connection = Connection(MilvusOptions(silent, timeout_s=0.2))
    with pytest.raises(MilvusAway):
        connection.call("has_collection", "a")
    # A second wait would be for longer than any test may take.
    with pytest.raises(MilvusAway, match="does not answer"):
        connection.call("has_collection", "a", timeout_s=10_000.0)


def test_who_waits_with_others_does_not_wait_after_them(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble.index.milvus.connection.QUIET_S", 1_000.0)
    connection, connecting, failed = Connection(MilvusOptions(silent, timeout_s=1_000.0)), [], threading.Event()

    class Client:
        def __init__(self, *_: object, **__: object) -> None:
            connecting.append(1)
            failed.wait()
            raise ConnectionError("no answer")

    monkeypatch.setattr("pymilvus.MilvusClient", Client)
    told: list[str] = []

    def ask() -> None:
        with pytest.raises(MilvusAway) as caught:
            connection.call("has_collection", "a")
        told.append(str(caught.value))

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for thread in asking:
        thread.start()
    with pytest.raises(MilvusAway, match="others wait for it too"):
        connection.call("has_collection", "a", timeout_s=0.05)
    failed.set()
    for thread in asking:
        thread.join()
    assert (len(connecting), len(told), len(set(told))) == (1, 4, 1)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ParamError(message="bad data"), MilvusRefused, "Milvus refuses search: bad data"),
        (MilvusException(1, "too long", is_input_error=True), MilvusRefused, "Milvus refuses search: too long"),
        (MilvusException(8, "too many requests"), MilvusAway, r"does not answer \(search\): too many requests"),
        (Broken(), MilvusAway, r"does not answer \(search\): UNAVAILABLE: connection refused"),
    ],
)
def test_a_mistake_is_told_from_an_absence(error: Exception, kind: type[Exception], words: str) -> None:
    connection = Connection(MilvusOptions("http://127.0.0.1:1"))
    with pytest.raises(kind, match=words), connection._telling("search"):
        raise error


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(MilvusAway, match=f"http://127.0.0.1:{port}: Milvus does not answer"):
        Connection(MilvusOptions(f"http://127.0.0.1:{port}", timeout_s=0.2)).client()


def test_a_connection_that_was_lost_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble.index.milvus.connection.QUIET_S", 0.0)
    connection = Connection(options_in(tmp_path))
    assert connection.call("has_collection", "a") is False
    connection.client().close()
    with pytest.raises(MilvusAway, match="should create connection first"):
        connection.call("has_collection", "a")
    assert connection.call("has_collection", "a") is False
    connection.close()


def test_what_milvus_refuses_is_quoted(tmp_path: Path) -> None:
    connection = Connection(options_in(tmp_path))
    with pytest.raises(MilvusRefused, match="Milvus refuses query: collection 'none' does not exist"):
        connection.call("query", "none", filter="slot < 0")
    with pytest.raises(MilvusRefused, match="Milvus refuses query"):
        next(connection.pages("none", filter="slot < 0"))
    connection.close()
