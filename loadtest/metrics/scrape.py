"""Reads a server's metrics once a second, beside a load."""

from __future__ import annotations

import re
import threading
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.error import URLError
from urllib.parse import urlsplit

from loadtest.errors import BadLoad

FAMILIES = ("request_success", "request_duration_us", "queue_duration_us", "count", "exec_count")
_LINE = re.compile(r"^nv_inference_(\w+)\{([^}]*)\} ([0-9.eE+-]+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
TIMEOUT_S = 2.0

Place = tuple[str, str]
"""Model and version."""


@dataclass(frozen=True)
class Totals:
    """What one version of one model has done since the server started.

    Args:
        request_success: Requests.
        request_duration_us: Time that they took, the queue's too.
        queue_duration_us: Time that they waited.
        count: Rows that were run.
        exec_count: Runs; a run has the rows of a batch.
    """

    request_success: float = 0.0
    request_duration_us: float = 0.0
    queue_duration_us: float = 0.0
    count: float = 0.0
    exec_count: float = 0.0


@dataclass(frozen=True)
class Sample:
    """The metrics at one time.

    Args:
        at: The monotonic clock.
        totals: By model and version.
    """

    at: float
    totals: Mapping[Place, Totals]


def parse(text: str) -> dict[Place, Totals]:
    """The totals in a page of metrics; lines that it does not know are passed over."""
    found: dict[Place, dict[str, float]] = {}
    for family, labels, value in _LINE.findall(text):
        if family in FAMILIES:
            told = dict(_LABEL.findall(labels))
            found.setdefault((told.get("model", ""), told.get("version", "")), {})[family] = float(value)
    return {place: Totals(**values) for place, values in found.items()}


@dataclass
class Scraper:
    """Reads the metrics while it is open. A page that cannot be had is left out; ``failed`` counts them.

    Args:
        url: Of the metrics page: ``http://host:port/metrics``.
        every_s: Seconds between two readings.

    Raises:
        BadLoad: The URL is none of that form.
    """

    url: str
    every_s: float = 1.0
    samples: list[Sample] = field(default_factory=list)
    failed: int = 0

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in {"http", "https"} or not urlsplit(self.url).hostname:
            raise BadLoad(f"metrics {self.url!r}; allowed: http://host:port/metrics")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scraper", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(TIMEOUT_S + 1)

    def _run(self) -> None:
        while not self._stop.wait(0 if not self.samples and not self.failed else self.every_s):
            self._read()
        self._read()

    def _read(self) -> None:
        try:
            with urllib.request.urlopen(self.url, timeout=TIMEOUT_S) as page:  # noqa: S310 - http, as checked
                text = page.read().decode("utf-8", "replace")
        except (URLError, OSError):
            self.failed += 1
            return
        self.samples.append(Sample(time.monotonic(), parse(text)))
