"""The port that Kubernetes and Prometheus ask: ``/ready``, ``/live`` and ``/metrics``."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus

from deploy.container.health import Health, Verdict


class HealthServer:
    """Answers in a thread of its own: ``/ready`` and ``/live`` with 200 or 503 and the reason in one line.

    ``/metrics`` has what ``deploy serve`` tells of its server too, by the same names, so that the same alerts apply.

    Args:
        health: What it tells.
        release: Number of the release that is served.
        host: Address to listen at.
        port: Port; 0 chooses a free one.

    Raises:
        OSError: The port cannot be used.
    """

    def __init__(self, health: Health, release: int, host: str, port: int) -> None:
        asked = {"/ready": health.ready, "/live": health.alive, "/metrics": lambda: _figures(health, release)}
        self._server = http.server.ThreadingHTTPServer((host, port), _handler(asked))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="health-port", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()


def _handler(asked: Mapping[str, Callable[[], Verdict]]) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 5.0

        def do_GET(self) -> None:
            judge = asked.get(self.path)
            verdict = Verdict(good=False, reason=f"there are {', '.join(asked)}") if judge is None else judge()
            status = HTTPStatus.OK if verdict.good else HTTPStatus.SERVICE_UNAVAILABLE
            self._say(HTTPStatus.NOT_FOUND if judge is None else status, verdict.reason)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 -- the base class calls it so
            """Say nothing: it is asked every few seconds."""

        def _say(self, status: HTTPStatus, reason: str) -> None:
            lines = [" ".join(line.split()) for line in reason.splitlines()]
            body = ("\n".join(lines) + "\n").encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _figures(health: Health, release: int) -> Verdict:
    """In the text format of Prometheus."""
    figures = (
        ("tandem_up", "1 while requests are answered", "", int(health.ready().good)),
        ("tandem_loaded", "1 for each release whose parts are loaded", f'{{release="{release}"}}', 1),
    )
    lines = [
        line
        for name, told, labels, value in figures
        for line in (f"# HELP {name} {told}", f"# TYPE {name} gauge", f"{name}{labels} {value}")
    ]
    return Verdict(good=True, reason="\n".join(lines))
