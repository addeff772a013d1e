"""A load and the server's own metrics, side by side."""

from __future__ import annotations

import contextlib
from typing import Self

from loadtest.arrivals.fleet import Fleet
from loadtest.arrivals.measured import Measured
from loadtest.arrivals.schedule import Schedule
from loadtest.metrics.scrape import Scraper
from loadtest.metrics.steps import StepOverTime, over_time

LATE_SHARE = 0.01


class Watched:
    """Measures loads, and reads the server's metrics meanwhile.

    Args:
        metrics: URL of the metrics page; None for none.
    """

    def __init__(self, metrics: str | None) -> None:
        self._scraper = None if metrics is None else Scraper(metrics)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        if self._scraper is not None:
            self._stack.enter_context(self._scraper)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def measure(self, fleet: Fleet, schedule: Schedule) -> tuple[Measured, tuple[StepOverTime, ...]]:
        """Send a schedule; what it came to, and what each of the server's steps took meanwhile."""
        run = fleet.start(schedule)
        measured = run.wait()
        if self._scraper is None:
            return measured, ()
        samples = [sample for sample in self._scraper.samples if sample.at >= run.begin - self._scraper.every_s]
        return measured, over_time(samples, run.begin)

    def notes(self, measured: Measured) -> tuple[str, ...]:
        """What a reader of the figures must know."""
        found = []
        if measured.stopped:
            found.append(
                f"It was stopped after {measured.seconds:.1f} s: {measured.scheduled:,} of {measured.planned:,} "
                f"requests had been sent, {measured.cut_off} of them had no answer yet and are left out."
            )
        if measured.late() > LATE_SHARE * measured.scheduled:
            found.append(
                f"{measured.late():,} of {measured.scheduled:,} requests were sent more than 1 ms late: latencies "
                "count that too. Give the generator another process, or a machine of its own."
            )
        if self._scraper is not None and not self._scraper.samples:
            found.append(f"The server's metrics could not be read at {self._scraper.url}.")
        return tuple(found)
