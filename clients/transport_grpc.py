"""gRPC, sync and async, by tritonclient. A channel is one HTTP/2 connection and is safe to share between threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from tritonclient.utils import InferenceServerException

from clients.errors import ClientClosed
from clients.tensors import Call, Outputs
from clients.tls import Tls
from clients.transport import translated, triton_inputs
from clients.url import Address

T = TypeVar("T")

CHANNEL_OPTIONS: Sequence[tuple[str, int]] = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # Finds a connection that died silently; rare enough that the server does not take it for a flood of pings
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 0),
    # gRPC's own waits (1 s growing to 2 minutes) would hide a server that has come back from our retries
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Each client has a connection of its own, so that a load test's users do not share one
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
)


def _channel(tls: Tls | None) -> dict[str, Any]:
    if tls is None:
        return {"channel_args": list(CHANNEL_OPTIONS)}
    credentials, options = tls.channel()
    return {"creds": credentials, "channel_args": [*CHANNEL_OPTIONS, *options]}


class GrpcTransport:
    """Sync gRPC. Threads may share it."""

    def __init__(self, address: Address, tls: Tls | None = None) -> None:
        self._client = triton.InferenceServerClient(address.target, **_channel(tls))

    def infer(self, call: Call[T], timeout_s: float) -> Outputs:
        """See `clients.transport.Transport`."""
        inputs = triton_inputs(call, triton.InferInput)
        try:
            return cast("Outputs", self._client.infer(call.model, inputs, request_id=call.id, client_timeout=timeout_s))
        except InferenceServerException as error:
            raise translated(error) from None

    def model_ready(self, model: str, timeout_s: float) -> bool:
        """See `clients.transport.Transport`."""
        try:
            return bool(self._client.is_model_ready(model, client_timeout=timeout_s))
        except InferenceServerException as error:
            raise translated(error) from None

    def model_parameters(self, model: str, timeout_s: float) -> Mapping[str, str]:
        """See `clients.transport.Transport`."""
        try:
            return _parameters(self._client.get_model_config(model, client_timeout=timeout_s))
        except InferenceServerException as error:
            raise translated(error) from None
        except ValueError:  # what gRPC raises where another thread closed the client meanwhile
            raise ClientClosed("the client was closed") from None

    def close(self) -> None:
        """See `clients.transport.Transport`."""
        self._client.close()


class AsyncGrpcTransport:
    """gRPC for the running event loop."""

    def __init__(self, address: Address, tls: Tls | None = None) -> None:
        self._client = triton_aio.InferenceServerClient(address.target, **_channel(tls))

    async def infer(self, call: Call[T], timeout_s: float) -> Outputs:
        """See `clients.transport.AsyncTransport`."""
        inputs = triton_inputs(call, triton.InferInput)
        try:
            return cast(
                "Outputs", await self._client.infer(call.model, inputs, request_id=call.id, client_timeout=timeout_s)
            )
        except InferenceServerException as error:
            raise translated(error) from None

    async def model_ready(self, model: str, timeout_s: float) -> bool:
        """See `clients.transport.AsyncTransport`."""
        try:
            return bool(await self._client.is_model_ready(model, client_timeout=timeout_s))
        except InferenceServerException as error:
            raise translated(error) from None

    async def model_parameters(self, model: str, timeout_s: float) -> Mapping[str, str]:
        """See `clients.transport.AsyncTransport`."""
        try:
            return _parameters(await self._client.get_model_config(model, client_timeout=timeout_s))
        except InferenceServerException as error:
            raise translated(error) from None

    async def close(self) -> None:
        """See `clients.transport.AsyncTransport`."""
        await self._client.close()


def _parameters(answer: Any) -> dict[str, str]:
    return {name: str(value.string_value) for name, value in answer.config.parameters.items()}
