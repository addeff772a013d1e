"""Certificates for ``grpcs://``: whom the client trusts, and who it is itself."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from clients.errors import BadSetting

CA, CERT, KEY, NAME = "TANDEM_TLS_CA", "TANDEM_TLS_CERT", "TANDEM_TLS_KEY", "TANDEM_TLS_NAME"


@dataclass(frozen=True)
class Tls:
    """How a client connects over TLS.

    Files are PEM. They are checked here, and read anew for every channel: one that was renewed counts from the next on.

    Args:
        ca: Certificates of the authorities that are trusted; None for those that gRPC carries.
        cert: The client's own certificate, where the server asks for one (mutual TLS); with ``key``.
        key: Its private key, without a password.
        name: The name that the server's certificate must hold, where it is not the host of the address.

    Raises:
        BadSetting: A file cannot be read or is no such file, or certificate and key do not belong together.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            given, missing = ("cert", "key") if self.key is None else ("key", "cert")
            raise BadSetting(f"tls: `{given}` without `{missing}`; give both, or neither")
        self.context()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read ``TANDEM_TLS_CA``, ``TANDEM_TLS_CERT``, ``TANDEM_TLS_KEY`` (paths) and ``TANDEM_TLS_NAME``."""
        ca, cert, key = (Path(value) if (value := environment.get(name)) else None for name in (CA, CERT, KEY))
        return cls(ca, cert, key, environment.get(NAME) or None)

    def environment(self) -> dict[str, str]:
        """The same as variables, for another process."""
        files = {CA: self.ca, CERT: self.cert, KEY: self.key}
        told = {name: str(path.resolve()) for name, path in files.items() if path is not None}
        return told if self.name is None else told | {NAME: self.name}

    def context(self) -> ssl.SSLContext:
        """The same for Python's own sockets. A certificate in ``ca`` is trusted whether it is an authority or not."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if self.ca is not None:
            trust(context, self.ca)
        if self.cert is not None and self.key is not None:
            load_pair(context, self.cert, self.key)
        return context

    def channel(self) -> tuple[Any, list[tuple[str, str]]]:
        """What a gRPC channel is made with: credentials, and options beside the others.

        Raises:
            BadSetting: A file cannot be read any more, or is no such file, or the key no longer belongs to it.
        """
        import grpc

        self.context()  # of a bad file, grpc tells only in the log
        ca, cert, key = (None if path is None else path.read_bytes() for path in (self.ca, self.cert, self.key))
        options = [] if self.name is None else [("grpc.ssl_target_name_override", self.name)]
        return grpc.ssl_channel_credentials(ca, key, cert), options


def trust(context: ssl.SSLContext, ca: Path) -> None:
    """Have a context trust the certificates of a file.

    Raises:
        BadSetting: It cannot be read, or holds no certificate.
    """
    try:
        context.load_verify_locations(ca)
    except (OSError, ssl.SSLError) as error:
        raise BadSetting(f"tls: {ca}: {_why(error)}; allowed: a PEM file of certificates") from None


def load_pair(context: ssl.SSLContext, cert: Path, key: Path) -> None:
    """Have a context present a certificate.

    Raises:
        BadSetting: A file cannot be read, needs a password, or the key is that of another certificate.
    """
    for path in (cert, key):
        if not os.access(path, os.R_OK):
            raise BadSetting(f"tls: {path}: {'cannot be read' if path.exists() else 'does not exist'}")
    try:
        # A key with a password would be asked for on the terminal.
        context.load_cert_chain(cert, key, password=lambda: b"")
    except (OSError, ssl.SSLError) as error:
        told = f"{cert} and {key}: {_why(error)}"
        raise BadSetting(
            f"tls: {told}; allowed: a PEM certificate and its own private key without a password"
        ) from None


def _why(error: OSError | ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "not PEM").lower().replace("_", " ")
    return error.strerror or str(error)
