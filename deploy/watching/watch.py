"""Looks, decides and acts, over and over, whatever becomes of the server meanwhile."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from pathlib import Path

from deploy.errors import DeployError, SwitchBusy
from deploy.switching.values import By
from deploy.watching.bounds import Bounds
from deploy.watching.breach import Breach
from deploy.watching.deciding import Decision, State, decide
from deploy.watching.history import NAME
from deploy.watching.looking import Looker
from deploy.watching.metrics import WatchMetrics
from deploy.watching.observing import Observation
from deploy.watching.remembering import Memory
from deploy.watching.sources import Switches
from deploy.watching.uptime import Uptime

log = logging.getLogger("deploy")

TOLD_AGAIN_S = 600.0


class Watch:
    """Holds the server over a store to its bounds.

    Args:
        store: The store.
        bounds: The bounds.
        looker: Looks.
        switches: What is acted with; None to tell what would be done, and do nothing.
        metrics: Shown every look.
    """

    def __init__(
        self, store: Path, bounds: Bounds, looker: Looker, switches: Switches | None, metrics: WatchMetrics
    ) -> None:
        self._bounds, self._looker, self._switches, self._metrics = bounds, looker, switches, metrics
        self.uptime = Uptime(store)
        self._memory = Memory(store)
        self._state, self._stop = State(measured=self._memory.read()), threading.Event()
        self._away: str | None = None
        self._tried: float | None = None
        self._stuck: tuple[int | None, float] | None = None
        self._told: dict[tuple[object, ...], float] = {}

    def stop(self) -> None:
        """End after what is under way. May be called from a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Go on until ``stop``."""
        while not self._stop.is_set():
            try:
                self._once()
            # Whatever it is: nobody would notice a bad release while nothing watches.
            except Exception as error:
                self._metrics.failed()
                if self._is_news(self._looker.now(), type(error)):
                    log.exception("a look failed; going on")
                self._stop.wait(self._bounds.interval_s)

    def _once(self) -> None:
        try:
            seen = self._looker.look(self._stop.wait)
        except DeployError as error:
            self._wait_for(error)
        else:
            self._back()
            self._take(replace(seen, rolled_back=_latest(seen.rolled_back, self._tried)))

    def _wait_for(self, error: DeployError) -> None:
        if self._away is None:
            log.warning("the server cannot be looked at; waiting for it: %s", error)
        self._away = str(error)
        # A server that never was there is not one that failed.
        if not self._stop.wait(self._bounds.interval_s) and self.uptime.asked:
            self.uptime.add(self._looker.now(), self._bounds.questions, 0)

    def _back(self) -> None:
        if self._away is not None:
            log.info("the server can be looked at again")
        self._away = None

    def _take(self, seen: Observation) -> None:
        """Judge a look, tell it, and do what is to be done."""
        live = seen.live
        self.uptime.add(seen.time, live.answered + live.refused + live.failed, live.answered)
        self._state, breaches, decision = decide(seen, self._state, self._bounds)
        self._memory.write(self._state.measured, seen.time)
        self._metrics.show(seen, breaches, decision, self.uptime)
        self._metrics.show_drift(self._looker.drift)
        self._tell(breaches, seen.time)
        self._act(decision, seen)

    def _tell(self, breaches: tuple[Breach, ...], time: float) -> None:
        for breach in breaches:
            if self._is_news(time, breach.release, breach.bound, breach.excuse is None):
                log.warning("%s", breach.sentence)

    def _is_news(self, time: float, *what: object) -> bool:
        """Whether something was not told just before: a log that repeats itself is not read."""
        news = time - self._told.get(what, float("-inf")) >= TOLD_AGAIN_S
        if news:
            self._told[what] = time
        return news

    def _act(self, decision: Decision, seen: Observation) -> None:
        if decision.kind == "nothing":
            return
        news = self._is_news(seen.time, decision.kind, decision.release)
        if decision.kind == "alarm":
            if news:
                log.error("a person is needed: %s", decision.why)
        elif self._is_stuck(decision, seen.time):
            self._metrics.alarm()
        elif self._switches is not None:
            self._switch(self._switches, decision, seen.time)
        elif news:
            log.warning("nothing is switched (dry run); it would be a %s: %s", _NAMES[decision.kind], decision.why)

    def _is_stuck(self, decision: Decision, time: float) -> bool:
        """Whether the end of this trial was tried just before, and could not be made."""
        if self._stuck is None or decision.kind != "end_canary" or self._stuck[0] != decision.release:
            return False
        return time - self._stuck[1] < TOLD_AGAIN_S

    def _switch(self, switches: Switches, decision: Decision, time: float) -> None:
        do = switches.rollback if decision.kind == "rollback" else switches.end_canary
        log.warning("%s: %s", _NAMES[decision.kind], decision.why)
        try:
            done = do(By(NAME, decision.why), lambda told: log.info("%s", told))
        except SwitchBusy as error:
            log.info("tried again at the next look: %s", error)
        except DeployError as error:
            if decision.kind == "rollback":
                self._tried = time
            else:
                self._stuck = decision.release, time
            self._metrics.alarm()
            log.warning("a person is needed: the %s could not be made: %s", _NAMES[decision.kind], error)
        else:
            log.warning("%s", done.told)
            self._metrics.acted(decision)


_NAMES = {"rollback": "rollback", "end_canary": "end of the trial"}


def _latest(first: float | None, second: float | None) -> float | None:
    return max((time for time in (first, second) if time is not None), default=None)
