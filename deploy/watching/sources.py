"""Where a look gets what it sees: protocols, and what stands behind them in earnest."""

from __future__ import annotations

import json
import logging
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol

from clients import NO_RETRIES, Answer, Client, NoServer, Query, messages
from clients.canary import to_canary
from deploy.drift import DriftReport, Monitor, NoBaseline
from deploy.operate import Operator
from deploy.switching.values import By, Status, Switched, Tell
from deploy.watching.asking import Searches
from deploy.watching.errors import NoMetrics
from deploy.watching.scraping import Scrape
from ensemble.observing.observer import PROBE

log = logging.getLogger("deploy")

_TIMEOUT_S = 5.0


class Switches(Protocol):
    """What is acted with: a `deploy.operate.Operator`. Each method raises a ``DeployError``."""

    def status(self) -> Status:
        """What the server answers from."""

    def rollback(self, by: By, tell: Tell) -> Switched:
        """Go back to the release before the live one."""

    def end_canary(self, by: By, tell: Tell) -> Switched:
        """Take the release on trial away."""


class Metrics(Protocol):
    """What the server counts."""

    def scrape(self) -> Scrape:
        """The counters now. Raises `NoMetrics`."""


class Drifts(Protocol):
    """How far the queries are from those that a release was made for."""

    def look(self, release: int) -> DriftReport | None:
        """None where it is not time yet, too little was seen, or the release has nothing to compare with."""

    @property
    def newest(self) -> DriftReport | None:
        """What the last look found that was made when it was time."""


@dataclass(frozen=True)
class Sources:
    """Where a look gets what it sees.

    Args:
        switches: What the server answers from.
        metrics: What it counts.
        live: Asks the live release.
        canary: Asks the one on trial.
        drifts: How far the queries have drifted.
    """

    switches: Switches
    metrics: Metrics
    live: Searches
    canary: Searches
    drifts: Drifts


@contextmanager
def sources_of(store: Path, question_s: float = 1.0) -> Iterator[Sources]:
    """The server over a store, wherever it is, also after a restart.

    Args:
        store: The store.
        question_s: Seconds that a question may take.
    """
    place = Place(store)
    live, canary = (ServerSearches(place, canary=canary, timeout_s=question_s) for canary in (False, True))
    with closing(live), closing(canary):
        yield Sources(Operator(store), ServerMetrics(place), live, canary, StoreDrifts(store))


class Place:
    """Where the server over a store is, as its ``run/serve.json`` says.

    Args:
        store: The store.
    """

    def __init__(self, store: Path) -> None:
        self._path = store / "run" / "serve.json"

    def url(self, service: str) -> str | None:
        """URL of ``grpc`` or ``metrics``; None while no server runs."""
        try:
            told: dict[str, Any] = json.loads(self._path.read_text("utf-8"))
            return str(told[service])
        except (OSError, ValueError, KeyError, TypeError):
            return None


class ServerMetrics:
    """The metrics of the server over a store.

    Args:
        place: Where it is.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        # The server is on this machine or in its own network: never by way of a proxy.
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def scrape(self) -> Scrape:
        """The counters now.

        Raises:
            NoMetrics: No server runs, or it does not answer with metrics.
        """
        url = self._place.url("metrics")
        if url is None or not url.startswith("http://"):
            raise NoMetrics(f"no server tells where its metrics are (got {url!r})")
        try:
            with self._open(url, timeout=_TIMEOUT_S) as answer:
                return Scrape.parse(answer.read().decode("utf-8"), time.monotonic())
        except (OSError, HTTPException, ValueError) as error:
            raise NoMetrics(f"{url}: {error}") from error


class ServerSearches:
    """Searches the server over a store, wherever it is just now, without trying again.

    The requests are marked as no shopper's, so that they are not in the samples that drift is looked for in.

    Args:
        place: Where it is.
        canary: Whether the release on trial is to answer.
        timeout_s: Seconds that an answer may take.
    """

    def __init__(self, place: Place, *, canary: bool, timeout_s: float = 1.0) -> None:
        self._place, self._canary, self._timeout_s = place, canary, timeout_s
        self._url: str | None = None
        self._client: Client | None = None

    def search(self, query: Query) -> Answer:
        """The answer of one query; raises as a client does."""
        call = replace(messages.search([query]), id=PROBE)
        return self._connected().run(to_canary(call) if self._canary else call)[0]

    def close(self) -> None:
        """Close the connection."""
        client, self._client, self._url = self._client, None, None
        if client is not None:
            client.close()

    def _connected(self) -> Client:
        url = self._place.url("grpc")
        if url is None:
            raise NoServer("no server runs over the store")
        if self._client is None or url != self._url:
            self.close()
            self._client, self._url = Client(url, timeout_s=self._timeout_s, retries=NO_RETRIES), url
        return self._client


class StoreDrifts:
    """Drift as the samples in a store show it; looked for once a minute, which is work for a processor.

    Args:
        store: The store.
    """

    EVERY_S = 60.0

    def __init__(self, store: Path) -> None:
        self._store = store
        self._release, self._next = 0, 0.0
        self._monitor: Monitor | None = None
        self.newest: DriftReport | None = None

    def look(self, release: int) -> DriftReport | None:
        """None where it is not time yet, too little was seen, or there is nothing to compare with."""
        if release != self._release:
            self._begin(release)
        if self._monitor is None or time.monotonic() < self._next:
            return None
        self._next = time.monotonic() + self.EVERY_S
        self.newest = None
        try:
            self.newest = self._monitor.look()
        except (OSError, ValueError) as error:
            log.warning("drift cannot be looked for: %s", error)
        return self.newest

    def _begin(self, release: int) -> None:
        self._release, self._monitor, self._next, self.newest = release, None, 0.0, None
        try:
            # Without the release's tower, which only chooses examples: they are shown by `deploy drift` alone.
            self._monitor = Monitor(self._store, release)
        except NoBaseline as error:
            log.warning("drift of release %d is not looked for: %s", release, error)
