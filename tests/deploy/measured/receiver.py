"""A collector of OpenTelemetry's spans, in this process: OTLP over HTTP, in JSON as Triton sends it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Span:
    """What a span says of where it belongs."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    seconds: float
    attributes: dict[str, str]


class Receiver:
    """The spans so far."""

    def __init__(self) -> None:
        self.url = ""
        self._spans: list[Span] = []
        self._lock = threading.Lock()

    @property
    def spans(self) -> list[Span]:
        """All of them."""
        with self._lock:
            return list(self._spans)

    def take(self, body: bytes, kind: str) -> None:
        """What the server sent."""
        assert kind == "application/json", kind
        with self._lock:
            self._spans.extend(_spans(json.loads(body)))


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver at a free port."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.take(body, str(self.headers["Content-Type"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/v1/traces"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _spans(request: dict[str, Any]) -> Iterator[Span]:
    for resource in request["resourceSpans"]:
        service = _attributes(resource["resource"])["service.name"]
        for span in (span for scope in resource["scopeSpans"] for span in scope["spans"]):
            nanoseconds = int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])
            yield Span(
                service,
                span["name"],
                span["traceId"],
                span["spanId"],
                span.get("parentSpanId", ""),
                nanoseconds / 1e9,
                _attributes(span),
            )


def _attributes(of: dict[str, Any]) -> dict[str, str]:
    """Values as text, whatever their kind."""
    return {one["key"]: str(next(iter(one["value"].values()))) for one in of.get("attributes", ())}
