"""The second address of ``deploy serve``: metrics of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

from deploy.audit import Audit
from deploy.errors import PortTaken
from deploy.events import EventLog
from deploy.supervising.collectors import Happenings, Releases, Switches
from deploy.switching.values import Status

LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104 -- compared, not bound


class Supervisor:
    """Answers Prometheus from ``start`` to ``stop``.

    Args:
        store: The store that is served.
        status: What the server answers from; a ``DeployError`` where it does not answer.
        events: What happens to it; events before this object was made are not counted.
        host: Address to listen at.
        port: 0 chooses a free one.
    """

    def __init__(
        self, store: Path, status: Callable[[], Status], events: EventLog, *, host: str = LOOPBACK, port: int = 0
    ) -> None:
        self._address = (host, port)
        self._registry = CollectorRegistry()
        happenings = Happenings()
        events.listen(happenings.happened)
        for collector in (Releases(store, status), Switches(Audit(store)), happenings):
            self._registry.register(collector)
        ProcessCollector(registry=self._registry)
        self._server: WSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Such as ``http://127.0.0.1:8003/metrics``."""
        if self._server is None:
            raise RuntimeError("the supervisor's metrics are not served")
        host = LOOPBACK if self._address[0] == EVERYWHERE else self._address[0]
        return f"http://{host}:{self._server.server_port}/metrics"

    def start(self) -> None:
        """Begin to listen.

        Raises:
            PortTaken: The address cannot be listened at.
        """
        host, port = self._address
        try:
            self._server, self._thread = start_http_server(port, host, self._registry)
        except OSError as error:
            raise PortTaken(
                f"the supervisor's port {port} of {host} cannot be used: {error.strerror or error}. Stop the program "
                f"that listens there (`ss -ltnp 'sport = :{port}'` names it), or give another port: "
                "`--supervisor-port 0` chooses a free one"
            ) from error

    def stop(self) -> None:
        """Stop listening; once is enough, and so is never having begun."""
        server, self._server = self._server, None
        if server is None or self._thread is None:
            return
        server.shutdown()
        server.server_close()
        self._thread.join()
