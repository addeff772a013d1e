"""How an open arrival is sent: as a message that was made before, and read only after its time was taken.

Over gRPC the serialised message goes straight to the channel, and the answer comes back as bytes: of what a request
costs the sender, tritonclient's own way is the greater part (see ``loadtest/README.md``). HTTP goes through
``clients.AsyncClient``.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Protocol

import grpc
import grpc.aio
from tritonclient.grpc import InferResult, service_pb2

from clients import NO_RETRIES, AsyncClient, Timeout
from clients.connect import tls_for
from clients.status import to_error
from clients.tensors import Call, Outputs
from clients.transport_grpc import CHANNEL_OPTIONS
from clients.url import Address
from loadtest.arrivals.prepared import Prepared, call_of

INFER = "/inference.GRPCInferenceService/ModelInfer"
CONNECT_S = 5.0


class Sender(Protocol):
    """Sends requests of one process to one server."""

    async def open(self) -> None:
        """Connect, so that the first request need not; no server is no error yet."""

    async def send(self, request: Prepared, timeout_s: float) -> object:
        """Send one request once; its raw answer.

        Args:
            request: What is sent.
            timeout_s: It is given up after so many seconds.

        Raises:
            TandemError: The server refused or failed, or no answer came in time.
        """

    def outputs(self, raw: object) -> Outputs:
        """The tensors of a raw answer."""

    async def close(self) -> None:
        """Close the connections."""


class GrpcSender:
    """Serialised messages over one channel."""

    def __init__(self, address: Address) -> None:
        self._channel = _channel(address)
        self._call = self._channel.unary_unary(INFER, request_serializer=None, response_deserializer=None)

    async def open(self) -> None:
        """See `Sender`."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._channel.channel_ready(), CONNECT_S)

    async def send(self, request: Prepared, timeout_s: float) -> object:
        """See `Sender`."""
        try:
            return await self._call(request.message, timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            raise to_error(f"StatusCode.{error.code().name}", error.details() or "") from None

    def outputs(self, raw: object) -> Outputs:
        """See `Sender`."""
        found: Outputs = InferResult(service_pb2.ModelInferResponse.FromString(raw))
        return found

    async def close(self) -> None:
        """See `Sender`."""
        await self._channel.close()


class HttpSender:
    """The async client; a request's tensors are taken from its message once."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        self._client = AsyncClient(str(address), timeout_s=timeout_s, retries=NO_RETRIES)
        self._calls: dict[bytes, Call[Any]] = {}

    async def open(self) -> None:
        """See `Sender`."""
        await self._client.ready()

    async def send(self, request: Prepared, timeout_s: float) -> object:
        """See `Sender`."""
        if request.message not in self._calls:
            self._calls[request.message] = call_of(request.message)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._client.run(self._calls[request.message])
        except TimeoutError:
            raise Timeout(f"no answer within {timeout_s:g} s") from None

    def outputs(self, raw: object) -> Outputs:
        """See `Sender`."""
        return raw  # type: ignore[return-value]

    async def close(self) -> None:
        """See `Sender`."""
        await self._client.close()


def connect(address: Address, timeout_s: float) -> Sender:
    """The sender of an address's protocol.

    Args:
        address: Where the server is.
        timeout_s: No request takes longer, in seconds.
    """
    return HttpSender(address, timeout_s) if address.scheme == "http" else GrpcSender(address)


def _channel(address: Address) -> grpc.aio.Channel:
    tls = tls_for(address, None)
    if tls is None:
        return grpc.aio.insecure_channel(address.target, options=list(CHANNEL_OPTIONS))
    credentials, options = tls.channel()
    return grpc.aio.secure_channel(address.target, credentials, options=[*CHANNEL_OPTIONS, *options])
