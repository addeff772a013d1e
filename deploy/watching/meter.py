"""Adds up what a release's requests came to, until there are enough to judge."""

from __future__ import annotations

from clients.canary import SUFFIX
from deploy.watching.observing import Latency, Traffic
from deploy.watching.scraping import KINDS, NONE, Counts, Scrape

# Triton's percentiles are over the last minute: two looks within it see the same requests.
PERCENTILES_OVER_S = 60.0


class Meter:
    """The requests of one release since they were last judged.

    Args:
        release: Its number.
        canary: Whether it is on trial, and so asked by names of its own.
        first: The metrics that counting begins with.
    """

    def __init__(self, release: int, first: Scrape, *, canary: bool) -> None:
        self.release, self.canary = release, canary
        self._names = {kind: kind + SUFFIX if canary else kind for kind in KINDS}
        self._last = first
        self._all, self._parts, self._all_since = NONE, NONE, first.time
        self._kinds, self._kinds_since = dict.fromkeys(KINDS, 0.0), first.time

    def add(self, scrape: Scrape) -> None:
        """Count on."""
        for kind, name in self._names.items():
            counted = scrape.kind(name).since(self._last.kind(name))
            self._all += counted
            self._kinds[kind] += counted.succeeded
        self._parts += scrape.parts(self.release).since(self._last.parts(self.release))
        self._last = scrape

    def forget(self) -> None:
        """Begin anew: what came so far is not to be judged."""
        self._all, self._parts, self._all_since = NONE, NONE, self._last.time
        self._kinds, self._kinds_since = dict.fromkeys(KINDS, 0.0), self._last.time

    def traffic(self, least: int) -> Traffic | None:
        """The requests since the last ones that were given out; None where they are fewer than ``least``."""
        requests, seconds = round(self._all.succeeded + self._all.failed), self._last.time - self._all_since
        if requests < max(1, least) or seconds <= 0:
            return None
        traffic = Traffic(seconds, requests, *_failures(self._all, self._parts), _queued(self._parts))
        self._all, self._parts, self._all_since = NONE, NONE, self._last.time
        return traffic

    def latencies(self, least: int, over_s: float = PERCENTILES_OVER_S) -> dict[str, Latency]:
        """The kinds of request of which at least ``least`` came within ``over_s`` seconds; none until then."""
        if self._last.time - self._kinds_since < over_s:
            return {}
        found = {
            kind: Latency(round(self._kinds[kind]), p99_ms)
            for kind, name in self._names.items()
            if self._kinds[kind] >= least and (p99_ms := self._last.p99_ms.get((name, "1"))) is not None
        }
        self._kinds, self._kinds_since = dict.fromkeys(KINDS, 0.0), self._last.time
        return found


def _failures(requests: Counts, parts: Counts) -> tuple[int, int]:
    """Requests that failed, and those that a full queue refused, where the parts tell."""
    rejected = min(parts.rejected, requests.failed)
    return round(requests.failed - rejected), round(rejected)


def _queued(parts: Counts) -> float:
    return parts.queue_us / parts.request_us if parts.request_us else 0.0
