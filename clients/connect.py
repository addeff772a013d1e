"""From an address to the transport that speaks its protocol."""

from __future__ import annotations

from clients.transport import AsyncTransport, Transport
from clients.url import Address


def connect(address: Address) -> Transport:
    """A sync transport. No connection is made before the first request."""
    # Each protocol is imported when it is used: either needs a good part of a second
    if address.scheme == "grpc":
        from clients.transport_grpc import GrpcTransport

        return GrpcTransport(address)
    from clients.transport_http import HttpTransport

    return HttpTransport(address)


def connect_async(address: Address) -> AsyncTransport:
    """An async transport of the running event loop."""
    if address.scheme == "grpc":
        from clients.transport_grpc import AsyncGrpcTransport

        return AsyncGrpcTransport(address)
    from clients.transport_http_aio import AsyncHttpTransport

    return AsyncHttpTransport(address)
