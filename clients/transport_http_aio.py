"""HTTP for an event loop, over aiohttp's pool of connections."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from typing import TypeVar

import aiohttp

from clients import http_codec
from clients.errors import NoServer, Timeout, Unavailable
from clients.http_codec import HEADER_LENGTH, Reply, Request
from clients.tensors import Call, Outputs
from clients.transport import cause
from clients.url import Address

T = TypeVar("T")

MAX_CONNECTIONS = 128
"""More requests at once wait for a connection to be free."""


class AsyncHttpTransport:
    """HTTP for the running event loop."""

    def __init__(self, address: Address) -> None:
        self._session = aiohttp.ClientSession(
            base_url=str(address),
            connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS),
            timeout=aiohttp.ClientTimeout(total=None),  # every request has its own
        )

    async def infer(self, call: Call[T], timeout_s: float) -> Outputs:
        """See `clients.transport.AsyncTransport`."""
        return http_codec.read_outputs(await self._send(http_codec.infer_request(call), timeout_s))

    async def model_ready(self, model: str, timeout_s: float) -> bool:
        """See `clients.transport.AsyncTransport`."""
        return (await self._send(http_codec.ready_request(model), timeout_s)).status == 200

    async def model_parameters(self, model: str, timeout_s: float) -> Mapping[str, str]:
        """See `clients.transport.AsyncTransport`."""
        return http_codec.read_parameters(await self._send(http_codec.config_request(model), timeout_s))

    async def close(self) -> None:
        """See `clients.transport.AsyncTransport`."""
        await self._session.close()

    async def _send(self, request: Request, timeout_s: float) -> Reply:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._exchange(request)
        except TimeoutError:
            raise Timeout("no answer before the deadline") from None
        except aiohttp.ClientConnectorError as error:
            raise NoServer(cause(error.os_error)) from None
        except aiohttp.ClientError as error:
            raise Unavailable(f"the connection was lost: {error or type(error).__name__}") from None

    async def _exchange(self, request: Request) -> Reply:
        # As a stream, which aiohttp sends in pieces: megabytes of plain bytes would hold up the loop
        body = io.BytesIO(request.body) if request.body else None
        async with self._session.request(
            request.method, request.path, data=body, headers=request.headers, allow_redirects=False
        ) as response:
            return Reply(response.status, response.headers.get(HEADER_LENGTH), await response.read())
