"""Reads the environment of the container."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from deploy.access import ServerTls
from deploy.container.settings import Settings, Times
from deploy.errors import CannotStart
from deploy.options import Endpoints
from deploy.searching import Searching
from deploy.secret import Secret
from ensemble.variables import CATALOGUE, ENGINE, MILVUS, MILVUS_COLLECTION

STORE, RELEASE, VERIFY = "TANDEM_STORE", "TANDEM_RELEASE", "TANDEM_VERIFY"
HOST, HTTP_HOST = "TANDEM_HOST", "TANDEM_HTTP_HOST"
HTTP_PORT, GRPC_PORT = "TANDEM_HTTP_PORT", "TANDEM_GRPC_PORT"
METRICS_PORT, HEALTH_PORT = "TANDEM_METRICS_PORT", "TANDEM_HEALTH_PORT"
SECRET_FILE, TLS, TLS_CLIENTS = "TANDEM_SECRET_FILE", "TANDEM_TLS", "TANDEM_TLS_CLIENTS"
MAX_INPUT_BYTES, SHM_BYTES = "TANDEM_MAX_INPUT_BYTES", "TANDEM_SHM_BYTES"
CONNECTION_AGE_S, DRAIN_S, EXIT_S = "TANDEM_CONNECTION_AGE_S", "TANDEM_DRAIN_S", "TANDEM_EXIT_S"
SETTLE_S, DEAD_AFTER_S = "TANDEM_SETTLE_S", "TANDEM_DEAD_AFTER_S"
OTLP_URL, TRACE_EVERY = "TANDEM_OTLP_URL", "TANDEM_TRACE_EVERY"
NAME, CACHE_FOLDER = "TANDEM_NAME", "TANDEM_CACHE_FOLDER"
TRITON, BACKENDS = "TANDEM_TRITONSERVER", "TANDEM_BACKENDS"

_T = TypeVar("_T")


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from environment variables; an empty one counts as not set.

    Raises:
        CannotStart: Variables are not what they may be; names them all.
    """
    reader = _Reader(environment)
    settings = reader.settings()
    if reader.problems:
        raise CannotStart("the environment cannot be used:\n" + "\n".join(f"  {p}" for p in reader.problems))
    return Settings(**settings)


class _Reader:
    """Reads variables and collects what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        # An empty variable is one that is not set: manifests cannot leave one out so easily.
        self._given = {name: value for name, value in environment.items() if value != ""}
        self.problems: list[str] = []

    def settings(self) -> dict[str, Any]:
        given = self._given
        tls = self._tls()
        host = self._address(HOST, "127.0.0.1")
        return {
            "store": Path(given.get(STORE, "/store")),
            "release": self._number(RELEASE, None, least=1),
            "verify": self._flag(VERIFY, default=True),
            "endpoints": self._endpoints(host),
            # Without TLS of its own, HTTP stays inside where the operator asked for TLS.
            "http_host": self._address(HTTP_HOST, "127.0.0.1" if TLS in given else host),
            "health_port": self._number(HEALTH_PORT, 8003, least=1, most=65_535),
            "searching": self._searching(),
            "catalogue": given.get(CATALOGUE),
            "secret": self._made(SECRET_FILE, _secret),
            "tls": tls,
            "max_input_bytes": self._number(MAX_INPUT_BYTES, 16 << 20, least=1 << 10),
            "shm_bytes": self._number(SHM_BYTES, 2 << 20, least=1 << 20),
            "times": self._times(),
            "otlp": self._made(OTLP_URL, _http_url),
            "trace_every": self._number(TRACE_EVERY, 100, least=0),
            "name": given.get(NAME) or socket.gethostname(),
            "cache": Path(given.get(CACHE_FOLDER, "/tmp/tandem-cache")),  # noqa: S108 -- of this container alone
            "triton": given.get(TRITON),
            "backends": Path(given[BACKENDS]) if BACKENDS in given else None,
        }

    def _times(self) -> Times:
        of = {"connection_age": CONNECTION_AGE_S, "settle": SETTLE_S, "drain": DRAIN_S}
        of |= {"exit": EXIT_S, "dead_after": DEAD_AFTER_S}
        default = Times()
        return Times(**{name: self._seconds(variable, getattr(default, name)) for name, variable in of.items()})

    def _endpoints(self, host: str) -> Endpoints | None:
        http, grpc, metrics = (
            self._number(variable, default, least=1, most=65_535) or default
            for variable, default in ((HTTP_PORT, 8000), (GRPC_PORT, 8001), (METRICS_PORT, 8002))
        )
        try:
            return Endpoints(host, http, grpc, metrics)
        except ValueError as error:
            self.problems.append(f"{HTTP_PORT}, {GRPC_PORT}, {METRICS_PORT}: {error}")
            return None

    def _searching(self) -> Searching | None:
        given = self._given
        try:
            asked = given.get(ENGINE, "auto")
            milvus = given.get(MILVUS) if asked == "milvus" else None
            collection = given.get(MILVUS_COLLECTION) if asked == "milvus" else None
            return Searching.asked(asked, milvus, collection, given)
        except ValueError as error:
            self.problems.append(f"{ENGINE}: {error}")
            return None

    def _tls(self) -> ServerTls | None:
        clients = self._flag(TLS_CLIENTS, default=False)
        return self._made(TLS, lambda value: _certificates(Path(value), clients=clients))

    def _address(self, variable: str, default: str) -> str:
        value = self._given.get(variable, default)
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            self.problems.append(f"{variable} must be an IP address, such as 0.0.0.0 for all, got {value!r}")
            return default

    def _number(self, variable: str, default: int | None, *, least: int, most: int = 1 << 40) -> int | None:
        value = self._given.get(variable)
        if value is None:
            return default
        if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
            self.problems.append(f"{variable} must be a whole number from {least:,} to {most:,}, got {value!r}")
            return default
        return int(value)

    def _seconds(self, variable: str, default: float) -> float:
        return float(self._number(variable, int(default), least=0, most=86_400) or 0)

    def _flag(self, variable: str, *, default: bool) -> bool:
        value = self._given.get(variable, str(default).lower())
        if value not in ("true", "false"):
            self.problems.append(f"{variable} must be true or false, got {value!r}")
        return value == "true"

    def _made(self, variable: str, make: Callable[[str], _T]) -> _T | None:
        value = self._given.get(variable)
        if value is None:
            return None
        try:
            return make(value)
        except (OSError, ValueError) as error:
            self.problems.append(f"{variable}: {error}")
            return None


def _certificates(folder: Path, *, clients: bool) -> ServerTls:
    """What a Secret of certificates holds: ``tls.crt``, ``tls.key`` and, to check clients, ``ca.crt``."""
    for name in ("tls.crt", "tls.key", *(("ca.crt",) if clients else ())):
        if not (folder / name).is_file():
            raise ValueError(f"{folder / name} does not exist: mount the certificate's Secret there")
    return ServerTls(folder / "tls.crt", folder / "tls.key", folder / "ca.crt" if clients else None)


def _secret(path: str) -> Secret:
    return Secret(Path(path).read_text("utf-8").strip())


def _http_url(value: str) -> str:
    if not value.startswith(("http://", "https://")) or any(letter in value for letter in " ,"):
        raise ValueError(f"must be an http:// or https:// address, got {value!r}")
    return value
