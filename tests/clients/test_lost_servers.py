"""What the clients make of servers that die, stay silent, or are something else."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clients import NO_RETRIES, Client, NoServer, RetryPolicy, ServerFault, Timeout, Unavailable
from tests.clients.conftest import triton

Connect = Callable[..., Client]
SCHEMES = pytest.mark.parametrize("scheme", ["grpc", "http"])


@contextlib.contextmanager
def listener(reply: bytes | None) -> Iterator[int]:
    """A port where something listens that says ``reply`` and hangs up, or nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    held.append(connection)
                    if reply is not None:
                        connection.recv(65536)
                        connection.sendall(reply)
                        connection.close()

        held: list[socket.socket] = []
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


@SCHEMES
def test_nothing_listens(connect: Connect, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with connect(f"{scheme}://127.0.0.1:{port}", retries=RetryPolicy(tries=2, first_pause_s=0.01)) as client:
        assert not client.ready()
        with pytest.raises(NoServer, match=f"no server at {scheme}://127.0.0.1:{port}: Connection refused"):
            client.search(text="a")


@SCHEMES
def test_something_listens_but_never_answers(connect: Connect, scheme: str) -> None:
    with listener(None) as port, connect(f"{scheme}://127.0.0.1:{port}", timeout_s=0.3) as client:
        started = time.monotonic()
        with pytest.raises(Timeout):
            client.search(text="a")
        assert not client.ready()
        assert time.monotonic() - started < 1.5


@pytest.mark.parametrize(
    "reply", [b"", b"no HTTP at all\r\n\r\n", b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\n<htm>"]
)
@SCHEMES
def test_something_else_answers(connect: Connect, scheme: str, reply: bytes) -> None:
    with listener(reply) as port, connect(f"{scheme}://127.0.0.1:{port}", retries=NO_RETRIES, timeout_s=5) as client:
        with pytest.raises(Unavailable):
            client.search(text="a")
        assert not client.ready()


def test_another_http_server_is_the_server_s_fault(connect: Connect) -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    told = pytest.raises(ServerFault, match="not the answer of a Triton server: b'hello'")
    with listener(reply) as port, connect(f"http://127.0.0.1:{port}", retries=NO_RETRIES) as client, told:
        client.search(text="a")


def test_a_killed_model_process_is_unavailable_and_a_new_server_is_found_again(tmp_path: Path) -> None:
    """One story, as starting a server takes seconds: the clients live on while servers come and go."""
    patient = RetryPolicy(tries=1000, first_pause_s=0.05, longest_pause_s=0.2)
    with contextlib.ExitStack() as stack:
        with triton(tmp_path / "first") as first:
            clients = [
                stack.enter_context(Client(url, timeout_s=30, retries=patient))
                for url in (first.grpc_url, first.http_url)
            ]
            pid = clients[0].search(text="a", k=1).results[0].attributes["pid"]
            assert isinstance(pid, int)
            os.kill(pid, signal.SIGKILL)
            for url in (first.grpc_url, first.http_url):
                with Client(url, retries=NO_RETRIES) as client:
                    with pytest.raises(Unavailable, match=r"Stub process .* is not healthy"):
                        client.search(text="a")
                    assert client.ready(), "a dead model process does not show"
            assert clients[1].embed_text("a").shape == (4,)
        for client in clients:
            assert not client.ready()
        with triton(tmp_path / "second", first):
            assert [client.search(text="a", k=1).results[0].id for client in clients] == ["p0", "p0"]
