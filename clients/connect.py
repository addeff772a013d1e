"""From an address to the transport that speaks its protocol."""

from __future__ import annotations

from clients.errors import BadSetting
from clients.tls import Tls
from clients.transport import AsyncTransport, Transport
from clients.url import Address


def tls_for(address: Address, tls: Tls | None) -> Tls | None:
    """How to connect over TLS: what was given, else what the environment says; None where there is no TLS.

    Raises:
        BadSetting: Certificates for an address without TLS, or such that cannot be used.
    """
    if address.scheme == "grpcs":
        return Tls.from_environment() if tls is None else tls
    if tls is not None:
        raise BadSetting(f"tls: {address} has none; allowed: grpcs://host:port")
    return None


def connect(address: Address, tls: Tls | None = None) -> Transport:
    """A sync transport. No connection is made before the first request."""
    # Each protocol is imported when it is used: either needs a good part of a second
    if address.scheme != "http":
        from clients.transport_grpc import GrpcTransport

        return GrpcTransport(address, tls)
    from clients.transport_http import HttpTransport

    return HttpTransport(address)


def connect_async(address: Address, tls: Tls | None = None) -> AsyncTransport:
    """An async transport of the running event loop."""
    if address.scheme != "http":
        from clients.transport_grpc import AsyncGrpcTransport

        return AsyncGrpcTransport(address, tls)
    from clients.transport_http_aio import AsyncHttpTransport

    return AsyncHttpTransport(address)
