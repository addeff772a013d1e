"""Who can reach the server: certificates for gRPC, and what else than loopback it may listen at."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from clients.errors import BadSetting
from clients.tls import Tls, load_pair, trust
from deploy.errors import BadCertificate, Exposed

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class ServerTls:
    """The certificates of the gRPC service; PEM files. Triton's HTTP and metrics services know no TLS.

    Args:
        cert: The server's certificate, and those between it and its authority.
        key: Its private key, without a password.
        client_ca: Authorities of the clients' certificates; a client without one is refused. None takes any client.
    """

    cert: Path
    key: Path
    client_ca: Path | None = None

    def arguments(self) -> list[str]:
        """The same for ``tritonserver``."""
        files = [f"--grpc-server-cert={self.cert.resolve()}", f"--grpc-server-key={self.key.resolve()}"]
        if self.client_ca is None:
            return ["--grpc-use-ssl=true", *files]
        mutual = ["--grpc-use-ssl-mutual=true", f"--grpc-root-cert={self.client_ca.resolve()}"]
        return ["--grpc-use-ssl=true", *files, *mutual]

    def context(self) -> ssl.SSLContext:
        """The same for Python.

        Raises:
            BadSetting: A file cannot be used.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        load_pair(context, self.cert, self.key)
        if self.client_ca is not None:
            trust(context, self.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


@dataclass(frozen=True)
class Access:
    """Who can reach the server.

    Args:
        tls: Certificates of the gRPC service; None for plain gRPC.
        own: How ``deploy`` itself connects; by default it trusts ``tls.cert``.
        trust_network: Whether every program that can reach the address may use the server.
    """

    tls: ServerTls | None = None
    own: Tls | None = None
    trust_network: bool = False

    @classmethod
    def asked(cls, cert: Path | None, key: Path | None, client_ca: Path | None, *, trust_network: bool = False) -> Self:
        """Read what the command line and the environment say.

        Raises:
            BadCertificate: Some of the files are missing.
        """
        if cert is None or key is None:
            if any(path is not None for path in (cert, key, client_ca)):
                raise BadCertificate("--tls-cert and --tls-key go together, and --tls-client-ca goes with both")
            return cls(trust_network=trust_network)
        try:
            own = Tls.from_environment()
            own = own if own.ca is not None else replace(own, ca=cert)
        except BadSetting as error:
            raise BadCertificate(str(error)) from None
        return cls(ServerTls(cert, key, client_ca), own, trust_network)

    def plain_host(self, host: str) -> str:
        """Where HTTP and metrics listen, which have neither TLS nor a password.

        Raises:
            Exposed: gRPC would be open to a network that is not trusted.
        """
        if self.trust_network or ipaddress.ip_address(host).is_loopback:
            return host
        if self.tls is None or self.tls.client_ca is None:
            raise Exposed(
                f"whoever reaches {host} could search, and write to the catalogue. Give --tls-cert, --tls-key and "
                "--tls-client-ca: then clients need a certificate, and HTTP and metrics stay on loopback. Or give "
                "--trust-network, where a firewall or a network policy keeps all others away"
            )
        return LOOPBACK

    def arguments(self) -> list[str]:
        """What ``tritonserver`` needs of it."""
        return [] if self.tls is None else self.tls.arguments()

    def connection(self, host: str) -> Tls | None:
        """How ``deploy`` connects to its own server at ``host``; None without TLS.

        A certificate is made for the name that clients use, which as a rule is not the address that this machine uses:
        then the name that it holds is expected. That is safe where the certificate itself is what is trusted.

        Raises:
            BadCertificate: No such connection would succeed.
        """
        if self.tls is None:
            return None
        try:
            own = self.own or Tls(ca=self.tls.cert)
            names = rehearse(self.tls.context(), own.context())
        except BadSetting as error:
            raise BadCertificate(str(error)) from None
        except ssl.SSLError as error:
            told = f"a connection over TLS with {self.tls.cert} fails: {_why(error)}"
            if self.tls.client_ca is not None:
                told += (
                    f". {self.tls.client_ca} must have signed the certificate that deploy itself connects with, which "
                )
                told += "TANDEM_TLS_CERT and TANDEM_TLS_KEY name"
            raise BadCertificate(told) from None
        if own.name is not None or host in names:
            return own
        if not names:
            raise BadCertificate(f"{self.tls.cert} names no host (subjectAltName): no client would accept it")
        return replace(own, name=names[0].replace("*", "tandem"))


def rehearse(server: ssl.SSLContext, client: ssl.SSLContext) -> list[str]:
    """Connect the two in memory; the hosts that the server's certificate names.

    Raises:
        ssl.SSLError: Either refuses the other.
    """
    client.check_hostname = False
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(to_client, to_server), server.wrap_bio(to_server, to_client, server_side=True)]
    waiting = list(ends)
    while waiting:
        for end in list(waiting):
            try:
                end.do_handshake()
                waiting.remove(end)
            except ssl.SSLWantReadError:
                continue
    certificate = ends[0].getpeercert() or {}
    named = certificate.get("subjectAltName", ())
    return [str(pair[1]) for pair in named if pair[0] in ("DNS", "IP Address")]


def _why(error: ssl.SSLError) -> str:
    told = getattr(error, "verify_message", None) or error.reason or str(error)
    return str(told).lower().replace("_", " ")
