"""A server over a store that exists in a test alone, behind the protocols that ``watch`` looks through."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from clients import Answer, Query, Result
from deploy.audit import Audit
from deploy.drift import DriftReport
from deploy.errors import DeployError, ServerAway
from deploy.switching.values import By, Canary, Status, Switched, Tell
from deploy.watching.scraping import Scrape
from tests.deploy.watching.scripted import START, iso


@dataclass
class Server:
    """Answers questions rightly as release 1, wrongly as any other, and is switched as it is asked to be."""

    store: Path
    live: int = 2
    previous: int | None = 1
    canary: int | None = None
    away: bool = False
    refusal: DeployError | None = None
    drift: DriftReport | None = None
    time: float = START
    trouble: Exception | None = None
    switches: list[tuple[str, By]] = field(default_factory=list)

    def status(self) -> Status:
        if self.away:
            raise ServerAway("no server runs")
        trial = None if self.canary is None else Canary(self.canary, 0.1)
        return Status(self.live, self.previous, trial, (self.live,), iso(START - 10.0))

    def rollback(self, by: By, tell: Tell) -> Switched:
        self.switches.append(("rollback", by))
        if self.refusal is not None:
            raise self.refusal
        assert self.previous is not None
        before, self.live, self.previous = self.live, self.previous, None
        tell("moving")
        why = {"why": by.why, "outcome": "done", "seconds": 1.0, "told": ""}
        Audit(self.store).add(by.who, "rollback", before, self.live, **why)  # type: ignore[arg-type]
        return Switched("rollback", before, self.live, 1.0, f"back on release {self.live}")

    def end_canary(self, by: By, tell: Tell) -> Switched:
        tell("moving")
        self.switches.append(("end_canary", by))
        if self.refusal is not None:
            raise self.refusal
        before, self.canary = self.canary or 0, None
        return Switched("end_canary", before, self.live, 1.0, "ended")

    def scrape(self) -> Scrape:
        self.time += 10.0
        if self.trouble is not None:
            raise self.trouble
        return Scrape(self.time, {}, {})

    def search(self, query: Query) -> Answer:
        return self.answer(self.live, query)

    def answer(self, release: int, query: Query) -> Answer:
        found = "M1" if release == 1 or query.filter is not None else "N1"
        return Answer(release, 0, (Result(found, 1.0),))

    def look(self, release: int) -> DriftReport | None:
        del release
        return self.drift

    @property
    def newest(self) -> DriftReport | None:
        return self.drift


@dataclass(frozen=True)
class OnTrial:
    """Asks the release on trial of a server."""

    server: Server

    def search(self, query: Query) -> Answer:
        return self.server.answer(self.server.canary or 0, query)
