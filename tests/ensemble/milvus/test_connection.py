from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ensemble.errors import Unavailable
from ensemble.index.milvus import MilvusAway, MilvusOptions, MilvusRefused
from ensemble.index.milvus.connection import Connection
from tests.ensemble.milvus.lite import options_in


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
