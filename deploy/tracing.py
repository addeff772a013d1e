"""Where the server tells of single requests, and of how many."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

SERVICE = "tandem"
# Of Triton's two, the one that tells when each step of a request began and ended. The other copies every tensor.
_LEVEL = "TIMESTAMPS"


@dataclass(frozen=True)
class Tracing:
    """Spans of requests by OpenTelemetry, one for the ensemble and one for each of its steps.

    A caller's ``traceparent`` is continued, whatever the rate.

    Args:
        url: Where an OTLP collector takes them, such as ``http://127.0.0.1:4318/v1/traces``.
        rate: One in so many requests is traced; 0 for those alone whose caller sends a ``traceparent``.
    """

    url: str
    rate: int = 100

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme != "http" or not parts.hostname or parts.username is not None:
            raise ValueError(
                f"`--trace-to` must be http://HOST:PORT/v1/traces without a password, got {_shown(self.url)}"
            )
        if self.rate < 0:
            raise ValueError(f"`--trace-rate` must be at least 0, got {self.rate}")

    def arguments(self) -> list[str]:
        """The same for ``tritonserver``."""
        return [
            "--trace-config=mode=opentelemetry",
            f"--trace-config=level={_LEVEL}",
            f"--trace-config=rate={self.rate}",
            f"--trace-config=opentelemetry,url={self.url}",
            f"--trace-config=opentelemetry,resource=service.name={SERVICE}",
        ]


def _shown(url: str) -> str:
    """A URL without what may be a password."""
    return repr(url if "@" not in url else f"...@{url.rpartition('@')[2]}")
