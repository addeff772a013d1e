"""The benchmark's own clients, against servers that answer as they should and as they should not."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
from tritonclient.grpc import service_pb2

from benchmarks.closed_loop import closed_loop, http_message, http_sender, http_senders, one_at_a_time
from benchmarks.wire import app_message, grpc_message, ids_of_app, ids_of_grpc

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 5\r\n\r\nhello"
REFUSAL = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def port() -> Iterator[int]:
    """A server that answers every message, and refuses those that ask for it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection:
            while message := connection.recv(65_536):
                connection.sendall(REFUSAL if b"refuse" in message else ANSWER)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def test_a_message_over_http_is_whole() -> None:
    head, body = http_message("/text", b"red mug", "text/plain").split(b"\r\n\r\n")
    assert head.splitlines()[0] == b"POST /text HTTP/1.1"
    assert b"Content-Length: 7" in head.splitlines()
    assert body == b"red mug"


def test_both_loops_count_every_request(port: int) -> None:
    messages = [http_message("/", b"x", "text/plain")] * 20
    with http_sender("127.0.0.1", port) as send:
        assert send(messages[0]) == b"hello"
        assert len(one_at_a_time(send, messages).latencies_ms) == 20

    async def together() -> int:
        async with http_senders("127.0.0.1", port, 4) as senders:
            measured = await closed_loop(senders, messages)
        assert measured.rps > 0
        assert measured.p50_ms <= measured.p99_ms
        return len(measured.latencies_ms)

    assert asyncio.run(together()) == 20


def test_a_refusal_stops_the_measurement(port: int) -> None:
    with http_sender("127.0.0.1", port) as send, pytest.raises(ConnectionError, match="500"):
        send(http_message("/", b"refuse", "text/plain"))


def test_a_message_over_grpc_is_a_request_for_the_ensemble() -> None:
    request = service_pb2.ModelInferRequest.FromString(grpc_message("image", b"\xff\xd8"))
    assert request.model_name == "search_image"
    assert [(tensor.name, tensor.datatype, list(tensor.shape)) for tensor in request.inputs] == [
        ("IMAGE", "BYTES", [1, 1])
    ]
    assert request.raw_input_contents[0] == b"\x02\x00\x00\x00\xff\xd8"


def test_ids_are_read_from_both_answers() -> None:
    response = service_pb2.ModelInferResponse()
    for name, raw in (("SCORE", b"\x00" * 8), ("PRODUCT_ID", b"\x02\x00\x00\x00P1\x03\x00\x00\x00P22")):
        response.outputs.add(name=name)
        response.raw_output_contents.append(raw)
    assert ids_of_grpc(response.SerializeToString()) == ["P1", "P22"]
    assert ids_of_app(b'{"results": [{"id": "P1"}, {"id": "P22"}]}') == ["P1", "P22"]
    assert app_message("text", b"x").startswith(b"POST /text ")
