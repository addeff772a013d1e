"""Closed-loop load over gRPC and HTTP, as light as Python can make it.

The client shares the cores with the server that it measures, so requests are serialised beforehand and answers are only
read as bytes: tritonclient would cost as much as the model.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

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
        if not head.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(head.decode("latin-1"))
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return await reader.readexactly(int(length.split(b":")[1]))

    return send


def http_message(path: str, body: bytes, content_type: str) -> bytes:
    """A whole HTTP/1.1 POST."""
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join([*lines, "", ""]).encode() + body
