"""Server addresses: ``grpc://host:port``, ``grpcs://host:port`` (gRPC over TLS) and ``http://host:port``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self, get_args
from urllib.parse import urlsplit

from clients.errors import BadUrl

Scheme = Literal["grpc", "grpcs", "http"]
ALLOWED = "allowed: grpc://host:port or http://host:port, or grpcs://host:port over TLS, as in grpc://localhost:8001"


@dataclass(frozen=True)
class Address:
    """Where a server listens, and which protocol it speaks there.

    Args:
        scheme: ``grpc``, ``grpcs`` or ``http``.
        host: Name or IP address, without the brackets of IPv6.
        port: 1 to 65535.
    """

    scheme: Scheme
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read an address.

        Raises:
            BadUrl: The scheme, the host or the port is missing or not allowed, or something else is in the way.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise BadUrl(f"url {url!r}: {error}; {ALLOWED}") from None
        scheme = next((name for name in get_args(Scheme) if name == parts.scheme), None)
        if scheme is None:
            raise BadUrl(f"url {url!r}: the scheme is {parts.scheme!r}; {ALLOWED}")
        if not host or not port or any(character.isspace() for character in host):
            raise BadUrl(f"url {url!r}: no {'port' if host else 'host'}; {ALLOWED}")
        if "@" in parts.netloc or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise BadUrl(f"url {url!r}: takes no user, path, query or fragment; {ALLOWED}")
        return cls(scheme, host, port)

    @property
    def target(self) -> str:
        """``host:port``, an IPv6 host in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.target}"
