"""Closed-loop load over gRPC and HTTP, as light as Python can make it.

The client shares the cores with the server that it measures, so requests are serialised beforehand and answers are only
read as bytes: tritonclient would cost as much as the model.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import grpc
import grpc.aio
import numpy as np

Send = Callable[[bytes], Awaitable[bytes]]
INFER = "/inference.GRPCInferenceService/ModelInfer"


@dataclass(frozen=True)
class Measured:
    """One closed-loop run.

    Args:
        latencies_ms: One a request.
        seconds: Wall time of the run.
    """

    latencies_ms: tuple[float, ...]
    seconds: float

    @property
    def p50_ms(self) -> float:
        """Median latency."""
        return float(np.percentile(self.latencies_ms, 50))

    @property
    def p99_ms(self) -> float:
        """99th percentile of latency."""
        return float(np.percentile(self.latencies_ms, 99))

    @property
    def rps(self) -> float:
        """Requests a second."""
        return len(self.latencies_ms) / self.seconds


def one_at_a_time(send: Callable[[bytes], bytes], requests: Sequence[bytes]) -> Measured:
    """Send all requests, each after the answer to the one before, without an event loop in between."""
    latencies: list[float] = []
    start = time.perf_counter()
    for request in requests:
        sent = time.perf_counter()
        send(request)
        latencies.append(1000 * (time.perf_counter() - sent))
    return Measured(tuple(latencies), time.perf_counter() - start)


async def closed_loop(sends: Sequence[Send], requests: Sequence[bytes]) -> Measured:
    """Send all requests, as many at a time as there are senders, each waiting for its answer."""
    pending = iter(requests)
    latencies: list[float] = []

    async def worker(send: Send) -> None:
        for request in pending:
            start = time.perf_counter()
            await send(request)
            latencies.append(1000 * (time.perf_counter() - start))

    start = time.perf_counter()
    await asyncio.gather(*(worker(send) for send in sends))
    return Measured(tuple(latencies), time.perf_counter() - start)


@asynccontextmanager
async def grpc_senders(address: str, concurrency: int) -> AsyncIterator[list[Send]]:
    """Senders over one gRPC channel; requests are serialised ``ModelInferRequest`` messages."""
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        call = channel.unary_unary(INFER, request_serializer=None, response_deserializer=None)
        yield [call] * concurrency


@contextmanager
def grpc_sender(address: str) -> Iterator[Callable[[bytes], bytes]]:
    """A blocking sender over one gRPC channel."""
    with grpc.insecure_channel(address) as channel:
        yield channel.unary_unary(INFER, request_serializer=None, response_deserializer=None)


@contextmanager
def http_sender(host: str, port: int) -> Iterator[Callable[[bytes], bytes]]:
    """A blocking sender over one kept-alive HTTP/1.1 connection."""
    with socket.create_connection((host, port)) as connection, connection.makefile("rb") as answers:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def send(request: bytes) -> bytes:
            connection.sendall(request)
            return answers.read(_content_length(b"".join(iter(answers.readline, b"\r\n"))))

        yield send


@asynccontextmanager
async def http_senders(host: str, port: int, concurrency: int) -> AsyncIterator[list[Send]]:
    """Senders over one kept-alive HTTP/1.1 connection each; requests are whole HTTP messages."""
    connections = [await asyncio.open_connection(host, port) for _ in range(concurrency)]
    try:
        yield [_http_send(reader, writer) for reader, writer in connections]
    finally:
        for _, writer in connections:
            writer.close()
            await writer.wait_closed()


def _http_send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Send:
    async def send(request: bytes) -> bytes:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        return await reader.readexactly(_content_length(head))

    return send


def _content_length(head: bytes) -> int:
    if not head.startswith(b"HTTP/1.1 200"):
        raise ConnectionError(head.decode("latin-1"))
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return int(length.split(b":")[1])


def http_message(path: str, body: bytes, content_type: str) -> bytes:
    """A whole HTTP/1.1 POST."""
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join([*lines, "", ""]).encode() + body
