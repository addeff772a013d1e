"""Adds up what a release's requests came to, until there are enough to judge."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, fields

from clients.canary import SUFFIX
from deploy.watching.observing import Latency, Traffic
from deploy.watching.scraping import KINDS, NONE, Counts, Scrape

# Triton's percentiles are over the last minute: two looks within it see the same requests.
PERCENTILES_OVER_S = 60.0
# A percentile of fewer strays too far to compare two releases by: see docs/watch.md.
COMPARED_FROM = 1_000
_MINUTES = 10


@dataclass
class _Sums:
    """What was added up since the last judgement.

    Attributes:
        requests: Of the kinds of request, each once.
        parts: Of the parts of the release.
        mistakes: Rows that a caller got wrong, as the search itself says.
        broken: Rows that the search failed for.
        away: Rows that were not searched while the catalogue could not be followed.
        rejected: Requests that came while too many were under way.
    """

    requests: Counts = NONE
    parts: Counts = NONE
    mistakes: float = 0.0
    broken: float = 0.0
    away: float = 0.0
    rejected: float = 0.0

    def add(self, other: _Sums) -> None:
        """Add what came since."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    def traffic(self, seconds: float) -> Traffic:
        """The same as a value: each failed request is of one sort."""
        left = round(self.requests.failed)
        taken = []
        for count in (self.parts.rejected + self.rejected, self.mistakes + self.away):
            taken.append(min(round(count), left))
            left -= taken[-1]
        own = min(left, round(self.broken + max(0.0, self.parts.failed - self.parts.rejected)))
        requests = round(self.requests.succeeded) + round(self.requests.failed)
        queued = self.parts.queue_us / self.parts.request_us if self.parts.request_us else 0.0
        return Traffic(seconds, requests, left, taken[0], queued, own)


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
        self._first_products = first.own.products(release)
        self._last, self._cut_off = first, first.own.cut_off(release)
        self._minutes: dict[str, deque[float]] = {kind: deque(maxlen=_MINUTES) for kind in KINDS}
        self.forget()

    def add(self, scrape: Scrape) -> None:
        """Count on."""
        last, release = self._last, self.release
        was_cut_off = last.own.cut_off(release)
        self._cut_off = was_cut_off or scrape.own.cut_off(release)
        sums = _Sums(
            parts=scrape.parts_since(last, release),
            mistakes=scrape.own.searched(last.own, release, "refused"),
            broken=scrape.own.searched(last.own, release, "failed"),
            away=scrape.own.searched(last.own, release, "unavailable") if self._cut_off else 0.0,
            rejected=scrape.own.rejected(last.own, release),
        )
        for kind, name in self._names.items():
            counted = scrape.kind(name).since(last.kind(name))
            sums.requests += counted
            self._kinds[kind] += counted.succeeded
        self._sums.add(sums)
        self._last = scrape

    def forget(self) -> None:
        """Begin anew: what came so far is not to be judged."""
        self._sums, self._since = _Sums(), self._last.time
        self._kinds, self._kinds_since = dict.fromkeys(KINDS, 0.0), self._last.time

    @property
    def cut_off(self) -> bool:
        """Whether the release cannot follow the catalogue, or could not at the look before."""
        return self._cut_off

    @property
    def changed(self) -> float:
        """Change of the number of products since counting began, as a share; 0 where it is not known."""
        now = self._last.own.products(self.release)
        if self._first_products is None:
            self._first_products = now
        return now / self._first_products - 1.0 if now is not None and self._first_products else 0.0

    def traffic(self, least: int) -> Traffic | None:
        """The requests since the last ones that were given out; None where they are fewer than ``least``."""
        counted, seconds = self._sums.requests, self._last.time - self._since
        if round(counted.succeeded) + round(counted.failed) < max(1, least) or seconds <= 0:
            return None
        traffic = self._sums.traffic(seconds)
        self._sums, self._since = _Sums(), self._last.time
        return traffic

    def latencies(self, least: int, over_s: float = PERCENTILES_OVER_S) -> dict[str, Latency]:
        """The kinds of request of which at least ``least`` came within ``over_s`` seconds; none until then."""
        if self._last.time - self._kinds_since < over_s:
            return {}
        found = {
            kind: self._latency(kind, round(self._kinds[kind]), p99_ms)
            for kind, name in self._names.items()
            if self._kinds[kind] >= least and (p99_ms := self._last.p99_ms.get((name, "1"))) is not None
        }
        self._kinds, self._kinds_since = dict.fromkeys(KINDS, 0.0), self._last.time
        return found

    def _latency(self, kind: str, requests: int, p99_ms: float) -> Latency:
        if requests < COMPARED_FROM:
            return Latency(requests, p99_ms)
        self._minutes[kind].append(p99_ms)
        return Latency(requests, p99_ms, tuple(self._minutes[kind]))
