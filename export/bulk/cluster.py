"""Ray: found where it is installed, started for one run alone or joined at its address, and left as it was found.

A local Ray listens on the loopback interface alone, without a dashboard, and ends with the run. Nothing is reported to
anybody.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from export.bulk.order import cores
from export.errors import NoRay

EXTRA = "tandem[ray]"
# What waits for a worker; what does not fit goes to the disk.
OBJECT_STORE_BYTES = 512 << 20
KNOCK_S = 10.0

# The log level is that of its C++ parts, which write to this terminal too.
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal", "RAY_DEDUP_LOGS": "1"}
# Ray's own way to have a node that is alone use 127.0.0.1; a loopback address that it is given it replaces.
_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}


@contextmanager
def cluster(address: str | None, workers: int | None) -> Iterator[Any]:
    """The module ``ray``, connected; one that this process is connected to already is used as it is.

    Args:
        address: Of a cluster; None starts a Ray of this machine alone.
        workers: Processes that will embed; None for one a core.

    Raises:
        NoRay: It is not installed, does not start, or does not answer.
    """
    ray = _imported(_QUIET if address else _QUIET | _LOOPBACK)
    if ray.is_initialized():
        yield ray
        return
    if address:
        _knock(address)
    with _handlers_kept():
        _connect(ray, address, workers)
    try:
        yield ray
    finally:
        with _handlers_kept():
            ray.shutdown()


def workers_of(ray: Any, asked: int | None) -> int:
    """How many workers there shall be: as many as asked for, or one a core of the cluster."""
    return asked or max(1, int(ray.cluster_resources().get("CPU", 1)))


def _knock(address: str) -> None:
    """See whether anything listens, since Ray itself tries for minutes; ``auto`` is Ray's to find."""
    host, parted, port = address.removeprefix("ray://").rpartition(":")
    if not parted:
        return
    if not port.isdecimal():
        raise NoRay(f"`ray` must be HOST:PORT, ray://HOST:PORT or auto, got {address!r}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), KNOCK_S).close()
    except (OSError, OverflowError) as error:
        raise NoRay(f"no Ray answers at {address}: {error}") from error


def _connect(ray: Any, address: str | None, workers: int | None) -> None:
    own = {"num_cpus": workers or cores(), "include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    try:
        ray.init(
            address=address or "local",
            logging_level=logging.ERROR,
            log_to_driver=False,
            **({} if address else own),
        )
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        where = f"no Ray answers at {address}" if address else "Ray does not start here"
        raise NoRay(f"{where}: {error}") from error


def _imported(settings: Mapping[str, str]) -> Any:
    for name, value in settings.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise NoRay(f"Ray is not installed ({error}): pip install '{EXTRA}'") from error
    return ray


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Have signals handled as before: Ray puts its own handler of SIGTERM in place, which exits."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
