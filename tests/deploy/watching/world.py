"""A server as ``deploy serve`` switches it, with releases of which some are bad, and a person."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from deploy.switching.values import Canary, Status
from deploy.watching.deciding import Decision, State, decide
from deploy.watching.observing import Observation, Readings
from tests.deploy.watching.scripted import (
    BOUNDS,
    START,
    cut_off,
    failing,
    hanging,
    iso,
    nonsense,
    refusing,
    slow,
    spoiled,
    well,
)

RELEASES = (1, 2, 3, 4)
LOOK_S = 10.0
MAKES = {
    "well": well,
    "failing": failing,
    "slow": slow,
    "spoiled": spoiled,
    "nonsense": nonsense,
    "cut_off": cut_off,
    "refusing": refusing,
    "hanging": hanging,
}

Steps = list[tuple[str, object]]


@dataclass
class World:
    """What is served, and all that was done to it.

    Args:
        faults: What is wrong with each release, whoever serves it.
        naive: Whether the server would go back to where it just came from.
        shared: What befalls any release just now.
        quiet: Whether there is nothing new to judge.
    """

    faults: dict[int, str]
    naive: bool = False
    shared: str | None = None
    quiet: bool = False
    restarts: int = 0
    live: int = 1
    previous: int | None = None
    since: float = START
    canary: int | None = None
    time: float = START
    gone_back: bool = False
    bad: frozenset[int] = frozenset()
    rolled_back: float | None = None
    done: list[tuple[str, float, int, int]] = field(default_factory=list)
    state: State = field(default_factory=State)

    def play(self, steps: Steps) -> None:
        """Have things happen: each is the name of a method, or of a field with its new value."""
        for name, value in steps:
            method = getattr(self, f"do_{name}", None)
            if method is None:
                setattr(self, name, value)
            else:
                method(value)

    def do_activate(self, release: int) -> None:
        if release != self.live and self.canary in (None, release):
            self.done.append(("activate", self.time, self.live, release))
            self.live, self.previous, self.since, self.gone_back = release, self.live, self.time, False
            self.canary, self.restarts = None, 0

    def do_canary(self, release: int) -> None:
        if release != self.live and self.canary is None:
            self.canary = release

    def do_roll_back(self, who: str) -> None:
        if self.previous is None:
            return
        self.done.append((who, self.time, self.live, self.previous))
        left, self.bad = self.live, self.bad | {self.live}
        if who == "watch":
            self.rolled_back = self.time
        self.live, self.canary, self.gone_back, self.since = self.previous, None, True, self.time
        self.previous = left if self.naive else self.live - 1 or None

    def do_wait(self, seconds: float) -> None:
        self.time += seconds

    def do_look(self, count: int) -> None:
        for _ in range(count):
            self.time += LOOK_S
            self.state, _, decision = decide(self.seen(), self.state, BOUNDS)
            self.act(decision)

    def seen(self) -> Observation:
        """What a look sees."""
        trial = None if self.canary is None else Canary(self.canary, 0.1)
        loaded = tuple(sorted({self.live, self.previous or self.live}))
        status = Status(self.live, self.previous, trial, loaded, iso(self.since))
        return Observation(
            time=self.time,
            status=status,
            live=self.readings(self.live),
            canary=None if self.canary is None else self.readings(self.canary),
            restarts=self.restarts,
            gone_back=self.gone_back,
            bad=self.bad,
            rolled_back=self.rolled_back,
        )

    def readings(self, release: int) -> Readings:
        made = MAKES[self.shared or self.faults[release]](release)
        return replace(made, traffic=None, latencies={}, recall=None) if self.quiet else made

    def act(self, decision: Decision) -> None:
        """Do what was decided; it must be about what is there."""
        if decision.kind == "rollback":
            assert self.previous is not None
            assert decision.release == self.live
            self.do_roll_back("watch")
        elif decision.kind == "end_canary":
            assert decision.release == self.canary
            self.canary = None
