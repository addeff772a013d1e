"""Sync HTTP over a pool of connections.

Tritonclient's own sync client keeps gevent sockets, which belong to the thread that opened them, and has one timeout
for all requests; here threads share a pool and every request has its own deadline.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import TypeVar

from clients import http_codec
from clients.errors import NoServer, TandemError, Timeout, Unavailable
from clients.http_codec import HEADER_LENGTH, Reply, Request
from clients.tensors import Call, Outputs
from clients.transport import cause
from clients.url import Address

T = TypeVar("T")

IDLE_CONNECTIONS = 128
"""At most so many connections wait for a next request; above it they are closed after use."""


class HttpTransport:
    """Sync HTTP. Threads may share it; as many connections are open as requests are in flight at once."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._idle: list[HTTPConnection] = []
        self._lock = threading.Lock()
        self._closed = False

    def infer(self, call: Call[T], timeout_s: float) -> Outputs:
        """See `clients.transport.Transport`."""
        return http_codec.read_outputs(self._send(http_codec.infer_request(call), timeout_s))

    def model_ready(self, model: str, timeout_s: float) -> bool:
        """See `clients.transport.Transport`."""
        return self._send(http_codec.ready_request(model), timeout_s).status == 200

    def model_parameters(self, model: str, timeout_s: float) -> Mapping[str, str]:
        """See `clients.transport.Transport`."""
        return http_codec.read_parameters(self._send(http_codec.config_request(model), timeout_s))

    def close(self) -> None:
        """See `clients.transport.Transport`."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _send(self, request: Request, timeout_s: float) -> Reply:
        try:
            return self._send_raw(request, time.monotonic() + timeout_s)
        except (OSError, HTTPException) as error:
            raise network_error(error) from None

    def _send_raw(self, request: Request, ends: float) -> Reply:
        with self._lock:
            kept = self._idle.pop() if self._idle else None
        if kept is not None:
            try:
                return self._use(kept, request, ends)
            except (ConnectionError, HTTPException):
                pass  # most likely the server closed it while it was idle: a new one tells
        return self._use(HTTPConnection(self._address.host, self._address.port), request, ends)

    def _use(self, connection: HTTPConnection, request: Request, ends: float) -> Reply:
        try:
            reply = _exchange(connection, request, ends)
        except BaseException:
            connection.close()
            raise
        with self._lock:
            if not self._closed and len(self._idle) < IDLE_CONNECTIONS:
                self._idle.append(connection)
                return reply
        connection.close()
        return reply


def _exchange(connection: HTTPConnection, request: Request, ends: float) -> Reply:
    _limit(connection, ends)
    connection.request(request.method, request.path, body=request.body or None, headers=dict(request.headers))
    _limit(connection, ends)
    with connection.getresponse() as response:
        _limit(connection, ends)
        return Reply(response.status, response.headers.get(HEADER_LENGTH), response.read())


def _limit(connection: HTTPConnection, ends: float) -> None:
    left_s = ends - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    connection.timeout = left_s
    if connection.sock is not None:
        connection.sock.settimeout(left_s)


def network_error(error: OSError | HTTPException) -> TandemError:
    """The error for a connection that could not be made, broke, or stayed silent."""
    if isinstance(error, TimeoutError):
        return Timeout("no answer before the deadline")
    if isinstance(error, (ConnectionRefusedError, socket.gaierror)):
        return NoServer(cause(error))
    return Unavailable(f"the connection was lost: {error or type(error).__name__}")
