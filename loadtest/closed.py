"""What closed users add up, over all workers, and whether they kept an SLO."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from locust.env import Environment
from locust.runners import WorkerRunner
from locust.stats import RequestStats

from loadtest.answers import Seen
from loadtest.slo import Figures, Slo, judge

KEY = "tandem_recall"
BROKEN = 1
_log = logging.getLogger(__name__)


@dataclass
class Tally:
    """Queries with a known answer.

    Args:
        asked: How many there were.
        found: How many found it.
    """

    asked: int = 0
    found: int = 0
    _told: tuple[int, int] = (0, 0)

    def add(self, seen: Seen) -> None:
        """Count an answer."""
        self.asked += seen.asked
        self.found += seen.found

    @property
    def recall(self) -> float:
        """Share that found it; NaN where none was asked."""
        return self.found / self.asked if self.asked else float("nan")

    def share(self, environment: Environment) -> None:
        """Have a worker tell its master, and a master add up what it is told."""

        def tell(data: dict[str, Any], **_: object) -> None:
            data[KEY] = [self.asked - self._told[0], self.found - self._told[1]]
            self._told = (self.asked, self.found)

        def hear(data: dict[str, Any], **_: object) -> None:
            asked, found = data.get(KEY, (0, 0))
            self.asked, self.found = self.asked + asked, self.found + found

        environment.events.report_to_master.add_listener(tell)  # type: ignore[no-untyped-call]
        environment.events.worker_report.add_listener(hear)  # type: ignore[no-untyped-call]


def figures_of(stats: RequestStats, tally: Tally) -> Figures:
    """What an SLO is held to; latencies are locust's, which it rounds to two digits."""
    total = stats.total
    seconds = max(1e-9, (total.last_request_timestamp or 0) - (stats.start_time or 0))
    p99 = float(total.get_response_time_percentile(0.99)) if total.num_requests else float("nan")
    succeeded = total.num_requests - total.num_failures
    return Figures(p99, total.fail_ratio, succeeded / seconds, tally.recall)


def ask_slo(environment: Environment, slo: Slo, tally: Tally) -> None:
    """Have the SLO make the exit code when the load is over; a worker leaves that to its master."""

    def quitting(environment: Environment, **_: object) -> None:
        if isinstance(environment.runner, WorkerRunner):
            return
        verdicts = judge(slo, figures_of(environment.stats, tally))
        for verdict in verdicts:
            _log.log(logging.INFO if verdict.kept else logging.ERROR, "SLO %s", verdict.told)
        environment.process_exit_code = 0 if all(verdict.kept for verdict in verdicts) else BROKEN

    environment.events.quitting.add_listener(quitting)  # type: ignore[no-untyped-call]
