"""Switches releases on a timetable while the load goes on, and notes when."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.load.known import ask_one, searches
from benchmarks.load.plan import Plan
from clients import Client, TandemError
from deploy.errors import DeployError
from deploy.switching.switchboard import Switchboard
from deploy.switching.values import By
from loadtest.traffic.requests import Traffic

BY = By("benchmarks.load", "measured under load")
CANARY = "_canary"
SHARE = 0.1
PAUSE_S = 0.25
"""Between two callers of the release on trial: they come beside the load, and are not to be one."""


@dataclass(frozen=True)
class Did:
    """One action.

    Args:
        action: What was done.
        begun: Seconds from the start of the load.
        ended: The same.
        error: Why it was not done; None where it was.
    """

    action: str
    begun: float
    ended: float
    error: str | None = None


def timetable(plan: Plan) -> list[tuple[float, str]]:
    """When to do what: activations and rollbacks in turn, evenly, and a release on trial in the middle.

    Args:
        plan: How many, and for how long.

    Returns:
        Seconds from the start of the load, ascending, with the action.
    """
    halves = plan.switches // 2, plan.switches - plan.switches // 2
    # An even number first, so that the trial is of the release that is not live.
    first = halves[0] + halves[0] % 2
    free_s = 0.96 * plan.switch_s - plan.canary_s
    step = free_s / (plan.switches + 2)
    at = [step * (number + 0.5) for number in range(first)]
    trial = step * (first + 0.5)
    rest = [trial + plan.canary_s + step * (number + 1) for number in range(plan.switches - first)]
    names = itertools.cycle(("activate", "rollback"))
    made = [(second, next(names)) for second in (*at, *rest)]
    return sorted([*made, (trial, "canary"), (trial + plan.canary_s, "end_canary")])


@dataclass
class Director:
    """Does what the timetable says.

    Args:
        board: Switches.
        url: Of the server, for those who ask the release on trial.
        releases: The release that is live at first, and the other one.
        traffic: Requests for the release on trial.
        clock: Seconds since the start of the load.
    """

    board: Switchboard
    url: str
    releases: tuple[int, int]
    traffic: Traffic
    clock: Callable[[], float]
    done: list[Did] = field(default_factory=list)
    trial: Counter[str] = field(default_factory=Counter)

    def direct(self, table: list[tuple[float, str]]) -> None:
        """Do everything, each at its time; what goes wrong is noted, and the next is done."""
        callers: threading.Thread | None = None
        over, late_s = threading.Event(), 0.0
        for second, action in table:
            time.sleep(max(0.0, second + late_s - self.clock()))
            if action == "end_canary" and callers is not None:
                over.set()
                callers.join()
            self._do(action)
            if action == "canary" and self.done[-1].error is None:
                late_s = max(0.0, self.clock() - second)  # what comes late is on trial as long as planned
                callers = threading.Thread(target=self._try, args=(over,))
                callers.start()

    def _do(self, action: str) -> None:
        begun, error = self.clock(), None
        try:
            if action == "activate":
                self.board.activate(self.releases[1], BY, _quiet)
            elif action == "rollback":
                self.board.rollback(BY, _quiet)
            elif action == "canary":
                self.board.canary(self.releases[1], SHARE, BY, _quiet)
            else:
                self.board.end_canary(BY, _quiet)
        except DeployError as failed:
            error = f"{type(failed).__name__}: {failed}"
        self.done.append(Did(action, begun, self.clock(), error))

    def _try(self, over: threading.Event) -> None:
        """Ask the release on trial by its name, and by keys that fall to it or do not."""
        numbers = itertools.cycle(searches(self.traffic))
        with Client(self.url) as client:
            for number in numbers:
                if over.wait(PAUSE_S):
                    return
                try:
                    ask_one(client, self.traffic, number, self.releases[1], CANARY)
                    answer = client.search(text="red mug", key=f"shopper {number}")
                    self.trial.update(["by name", f"by key: release {answer.release}"])
                except (TandemError, ValueError) as error:
                    self.trial[f"failed: {type(error).__name__}"] += 1


def _quiet(_: str) -> None:
    """Nobody is told how far a switch is."""
