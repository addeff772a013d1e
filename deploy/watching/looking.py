"""One look at a server: what it counts, how it answers questions, and what it was through."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from deploy.drift import DriftReport
from deploy.switching.values import Status
from deploy.watching.asking import ask
from deploy.watching.bounds import Bounds
from deploy.watching.history import ServerEvents, past
from deploy.watching.meter import PERCENTILES_OVER_S
from deploy.watching.observing import Observation, Readings, seconds_of
from deploy.watching.scraping import Scrape
from deploy.watching.sources import Sources
from deploy.watching.watched import Watched

# Waits so many seconds, or less where there is to be an end; whether there is.
Wait = Callable[[float], bool]


class Looker:
    """Looks at the server over a store.

    Args:
        store: The store.
        bounds: How often and how much is asked, and when it counts.
        sources: Where to look.
        clock: Seconds since 1970.
        percentiles_s: Least time between two judgements of times.

    """

    def __init__(
        self,
        store: Path,
        bounds: Bounds,
        sources: Sources,
        clock: Callable[[], float] = time.time,
        *,
        percentiles_s: float = PERCENTILES_OVER_S,
    ) -> None:
        self._store, self._bounds, self._sources, self._clock = store, bounds, sources, clock
        self._percentiles_s = percentiles_s
        self._events = ServerEvents(store)
        self._live: Watched | None = None
        self._canary: Watched | None = None

    def look(self, wait: Wait) -> Observation:
        """Ask for the time between two looks, then read what was counted.

        Args:
            wait: Waits between two questions.

        Raises:
            DeployError: There is no server, or it does not tell what it answers from or what it counts.
        """
        self._follow(self._sources.switches.status())
        self._ask(wait)
        return self._read(self._sources.switches.status())

    def now(self) -> float:
        """Seconds since 1970."""
        return self._clock()

    @property
    def drift(self) -> DriftReport | None:
        """The newest report of drift of the live release; None for none."""
        return self._sources.drifts.newest

    def _ask(self, wait: Wait) -> None:
        """Put the questions, spread over the time between two looks; both releases get theirs in turns."""
        pause, first = self._bounds.interval_s / self._bounds.questions, time.monotonic()
        for number in range(self._bounds.questions):
            started = time.monotonic()
            # Of a release that hangs fewer are asked: it is to be judged in time.
            if number and started - first >= self._bounds.interval_s:
                return
            for watched, searches in ((self._live, self._sources.live), (self._canary, self._sources.canary)):
                if watched is not None:
                    watched.questioner.ask(partial(ask, searches))
            if wait(max(0.0, pause - (time.monotonic() - started))):
                return

    def _read(self, status: Status) -> Observation:
        scrape = self._follow(status)
        self._events.look()
        before, now = past(self._store), self._clock()
        since = seconds_of(status.since) if status.since else 0.0
        live = self._readings(self._live, scrape, now) or Readings(status.live)
        return Observation(
            time=now,
            status=status,
            live=replace(live, drift=self._look_at_drift(status.live)),
            canary=self._readings(self._canary, scrape, now),
            away=self._events.away,
            restarts=self._events.restarts_since(since),
            gone_back=before.gone_back,
            bad=before.bad,
            rolled_back=before.rolled_back,
        )

    def _readings(self, watched: Watched | None, scrape: Scrape, now: float) -> Readings | None:
        return None if watched is None else watched.read(scrape, now, self._bounds, self._percentiles_s)

    def _follow(self, status: Status) -> Scrape:
        """Begin anew with a release that is not what it was."""
        scrape, now = self._sources.metrics.scrape(), self._clock()
        since = seconds_of(status.since) if status.since else 0.0
        if self._live is None or (self._live.release, self._live.since) != (status.live, since):
            self._live = Watched(self._store, status.live, since, scrape, canary=False)
        on_trial = None if status.canary is None else status.canary.release
        if (None if self._canary is None else self._canary.release) != on_trial:
            self._canary = None if on_trial is None else Watched(self._store, on_trial, now, scrape, canary=True)
        return scrape

    def _look_at_drift(self, release: int) -> str | None:
        report = self._sources.drifts.look(release)
        if report is None:
            return None
        return report.explanation if report.alarm else ""
