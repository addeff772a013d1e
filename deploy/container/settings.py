"""All that can be chosen about a container, and the defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deploy.access import ServerTls
from deploy.options import Endpoints
from deploy.searching import Searching
from deploy.secret import Secret


@dataclass(frozen=True)
class Times:
    """How long things take, in seconds.

    Args:
        connection_age: Age at which a gRPC connection is closed gracefully, so that clients find other replicas.
        settle: Least time between being told to stop and stopping: until the Service has forgotten this replica.
        drain: Most time for requests in flight, and for connections to come of age.
        exit: What Triton is given to end after that.
        dead_after: Without an answer for so long, this container says that it is dead, and wants to be restarted.
    """

    connection_age: float = 30.0
    settle: float = 5.0
    drain: float = 45.0
    exit: float = 30.0
    dead_after: float = 120.0


@dataclass(frozen=True)
class Settings:
    """All that can be chosen about a container.

    Args:
        store: Folder that ``python -m export release`` wrote; may be read-only.
        release: Number of the release to serve; None for the live one of the store.
        verify: Whether every file of the release is compared with what was made.
        endpoints: Where gRPC, HTTP and the metrics are.
        http_host: Address of HTTP, where it is another.
        health_port: Where this container says whether it is ready and alive.
        searching: The engine that searches the index.
        catalogue: URL of the database that the index follows; None for an index as it was released.
        secret: What opens Triton's restricted interfaces; None for nobody.
        tls: Certificates for gRPC.
        max_input_bytes: Largest body of an HTTP request.
        shm_bytes: Shared memory that each instance of a Python model starts with.
        times: How long things take.
        otlp: Where traces go, ``http://host:4318/v1/traces``; None for nowhere.
        trace_every: One in so many requests is traced; 0 for those alone that come with a sampled trace of a caller.
        name: What shared memory is named by; of this container alone.
        cache: Writable folder for compiled GPU kernels.
        triton: The server's program, where it is not in ``PATH``.
        backends: Folder of backends, where it is not the image's own.
    """

    store: Path
    release: int | None
    verify: bool
    endpoints: Endpoints
    http_host: str
    health_port: int
    searching: Searching
    catalogue: str | None
    secret: Secret | None
    tls: ServerTls | None
    max_input_bytes: int
    shm_bytes: int
    times: Times
    otlp: str | None
    trace_every: int
    name: str
    cache: Path
    triton: str | None
    backends: Path | None
