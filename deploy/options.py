"""What can be chosen about a server, and the defaults."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, field

from deploy.access import Access
from deploy.errors import PortTaken
from deploy.searching import Searching
from deploy.tracing import Tracing

_HIGHEST_PORT = 65_535


@dataclass(frozen=True)
class ServeOptions:
    """How the server runs.

    Args:
        shm_bytes: Shared memory that each Python model instance starts with; it grows when larger tensors pass.
        start_timeout_s: Time for loading all models, warm-up included.
        exit_timeout_s: Time that requests in flight are given to finish after SIGTERM.
        searching: The engine that searches the index.
        access: Who can reach the server.
        standby: Whether the release before the live one is loaded too, so that going back to it takes a moment. It
            takes as much memory as the live one.
        tracing: Where single requests are told of; None for nowhere.
    """

    shm_bytes: int = 2 * 1024 * 1024
    start_timeout_s: float = 300.0
    exit_timeout_s: int = 30
    searching: Searching = field(default_factory=Searching)
    access: Access = field(default_factory=Access)
    standby: bool = True
    tracing: Tracing | None = None

    def __post_init__(self) -> None:
        for name, smallest in (("shm_bytes", 1 << 20), ("exit_timeout_s", 1)):
            if getattr(self, name) < smallest:
                raise ValueError(f"`{name}` must be at least {smallest:,}, got {getattr(self, name):,}")
        if self.start_timeout_s <= 0:
            raise ValueError(f"`start_timeout_s` must be above 0, got {self.start_timeout_s}")


@dataclass(frozen=True)
class WatchOptions:
    """How a running server is watched.

    Args:
        process_interval_s: Time between two looks at the stub processes.
        probe_interval_s: Time between two rounds of probe requests.
        probe_timeout_s: Time for the answer to a probe; a second one, with twice the time, decides about a repair.
        load_timeout_s: Time for reloading one model.
        reload_attempts: Reloads of a model before the whole server is restarted.
        max_restarts: Restarts within ``restart_window_s`` before the server is stopped for good.
        restart_window_s: See ``max_restarts``.
    """

    process_interval_s: float = 0.25
    probe_interval_s: float = 2.0
    probe_timeout_s: float = 5.0
    load_timeout_s: float = 120.0
    reload_attempts: int = 3
    max_restarts: int = 3
    restart_window_s: float = 600.0

    def __post_init__(self) -> None:
        for name in ("process_interval_s", "probe_interval_s", "probe_timeout_s", "load_timeout_s", "restart_window_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"`{name}` must be above 0, got {getattr(self, name)}")
        for name in ("reload_attempts", "max_restarts"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1, got {getattr(self, name)}")


@dataclass(frozen=True)
class Endpoints:
    """Where the server listens.

    Args:
        host: Address of the gRPC service, and of the others without ``plain_host``.
        http: Port of the HTTP service.
        grpc: Port of the gRPC service.
        metrics: Port of the Prometheus metrics.
        plain_host: Address of the HTTP and the metrics service, where it is another.
        secure: Whether gRPC goes over TLS.
    """

    host: str
    http: int
    grpc: int
    metrics: int
    plain_host: str | None = None
    secure: bool = False

    def __post_init__(self) -> None:
        ports = (self.http, self.grpc, self.metrics)
        for port in ports:
            if not 1 <= port <= _HIGHEST_PORT:
                raise ValueError(f"a port must be 1 to {_HIGHEST_PORT}, got {port}")
        if len(set(ports)) != len(ports):
            raise ValueError(f"HTTP, gRPC and metrics need three different ports, got {ports}")

    @property
    def reachable_host(self) -> str:
        """The address that this machine itself reaches gRPC at."""
        return _reachable(self.host)

    @property
    def http_host(self) -> str:
        """Address of the HTTP and the metrics service."""
        return self.plain_host or self.host

    def all_listen(self) -> bool:
        """Whether all three services take connections; gRPC says that it is ready before the other two do."""
        plain = _reachable(self.http_host)
        services = ((plain, self.http), (self.reachable_host, self.grpc), (plain, self.metrics))
        return all(_listens(host, port) for host, port in services)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the services."""
        return ipaddress.ip_address(self.host).is_loopback

    @property
    def http_url(self) -> str:
        """Such as ``http://127.0.0.1:8000``."""
        return f"http://{_reachable(self.http_host)}:{self.http}"

    @property
    def grpc_url(self) -> str:
        """Such as ``grpc://127.0.0.1:8001``, or ``grpcs://127.0.0.1:8001``."""
        return f"{'grpcs' if self.secure else 'grpc'}://{self.reachable_host}:{self.grpc}"

    @property
    def metrics_url(self) -> str:
        """Such as ``http://127.0.0.1:8002/metrics``."""
        return f"http://{_reachable(self.http_host)}:{self.metrics}/metrics"


def choose_endpoints(
    host: str, http: int | None, grpc: int | None, metrics: int | None, access: Access | None = None
) -> Endpoints:
    """Check the ports that were asked for, and choose a free one where the port is None or 0.

    Args:
        host: Where to listen, a name or an address of this machine.
        http: Port of the HTTP service.
        grpc: Port of the gRPC service.
        metrics: Port of the Prometheus metrics.
        access: Who can reach it; by default this machine alone.

    Raises:
        Exposed: Others than ``access`` allows could reach it.
        PortTaken: Another program listens on a port, or the address is not one of this machine.
    """
    access = access or Access()
    held: list[socket.socket] = []
    try:
        chosen = []
        for service, port in (("HTTP", http), ("gRPC", grpc), ("metrics", metrics)):
            held.append(_bind(host, port or 0, service))
            address, number = held[-1].getsockname()
            chosen.append(int(number))
    finally:
        for sock in held:
            sock.close()
    plain = access.plain_host(address)
    http_port, grpc_port, metrics_port = chosen
    elsewhere = None if plain == address else plain
    return Endpoints(address, http_port, grpc_port, metrics_port, elsewhere, secure=access.tls is not None)


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("", "0.0.0.0", "::") else host  # noqa: S104 -- compared, not bound


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1.0):
            return True
    except OSError:
        return False


def _bind(host: str, port: int, service: str) -> socket.socket:
    """A socket bound to the port, as the server is about to do."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Connections of an earlier server may still linger in TIME_WAIT; Triton takes such a port, so it counts as free.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        # With SO_REUSEADDR two sockets may be bound, but only one can listen.
        sock.listen()
    except OSError as error:
        sock.close()
        raise PortTaken(
            f"the {service} port {port} of {host} cannot be used: {error.strerror or error}. Stop the program that "
            f"listens there (`ss -ltnp 'sport = :{port}'` names it), or give another port: "
            f"`--{service.lower()}-port 0` chooses a free one"
        ) from error
    return sock
