"""What the operator's client makes of servers that are away, silent, or something else."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from deploy.errors import CannotSwitch, DeployError, ServerAway
from deploy.operate import Operator
from deploy.operate.client import this_user
from deploy.operate.place import listen, user_name
from deploy.switching.values import By

WATCH = By("watch", "the error rate is 12%")


def answering(store: Path, answer: bytes) -> threading.Thread:
    """Something at the socket that answers one request with any bytes, and hangs up."""
    listening = listen(store)

    def serve() -> None:
        with listening:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (b"", ServerAway, "went away before it was done"),
        (b'{"tell": "loading"}\n', ServerAway, "`python -m deploy audit` what was done"),
        (b"nonsense\n", DeployError, "of another version"),
        (b"[]\n", DeployError, "of another version"),
        (b'{"result": {"action": "activate"}}\n', DeployError, "of another version"),
    ],
)
def test_an_answer_that_is_none_is_told(tmp_path: Path, answer: bytes, kind: type[DeployError], words: str) -> None:
    thread = answering(tmp_path, answer)
    with pytest.raises(DeployError, match=words) as caught:
        Operator(tmp_path).activate(4, WATCH)
    assert type(caught.value) is kind
    thread.join()


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    listening = listen(tmp_path)
    with listening, pytest.raises(DeployError, match=r"said nothing for 0\.1 s"):
        Operator(tmp_path, patience_s=0.1).rollback(WATCH)


def test_who_is_not_allowed_is_told_whom_to_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(socket.socket):
        def connect(self, _address: object) -> None:
            raise PermissionError(13, "Permission denied")

    listen(tmp_path).close()
    monkeypatch.setattr(socket, "socket", Closed)
    with pytest.raises(CannotSwitch, match="Permission denied; run this as the user who runs the server"):
        Operator(tmp_path).status()


def test_an_unknown_user_has_a_number() -> None:
    assert user_name(4_000_000_001) == "user 4000000001"
    assert this_user() == user_name(os.geteuid())
