"""One release that is looked at: its requests, and its questions."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from deploy.watching.bounds import Bounds
from deploy.watching.errors import BadQuestions
from deploy.watching.meter import Meter
from deploy.watching.observing import Readings
from deploy.watching.probing import Questioner
from deploy.watching.questions import QuestionSet, read_questions
from deploy.watching.scraping import Scrape

log = logging.getLogger("deploy")


class Watched:
    """A release that is looked at, as long as it is what it is.

    Args:
        store: The store.
        release: The release.
        since: When it became so, in seconds since 1970.
        first: The metrics that counting begins with.
        canary: Whether it is on trial.
    """

    def __init__(self, store: Path, release: int, since: float, first: Scrape, *, canary: bool) -> None:
        self.release, self.since = release, since
        self.meter = Meter(release, first, canary=canary)
        self.questioner = Questioner(release, _questions(store, release))

    def read(self, scrape: Scrape, now: float, bounds: Bounds, percentiles_s: float) -> Readings:
        """What is new of it.

        Args:
            scrape: The metrics now.
            now: Seconds since 1970.
            bounds: When it counts.
            percentiles_s: Least time between two judgements of times.
        """
        self.meter.add(scrape)
        if now - self.since < bounds.grace_s:
            self.meter.forget()
        least = bounds.min_requests
        traffic, latencies = self.meter.traffic(least), self.meter.latencies(least, percentiles_s)
        return replace(
            self.questioner.read(),
            traffic=traffic,
            latencies=latencies,
            cut_off=self.meter.cut_off,
            changed=self.meter.changed,
        )


def _questions(store: Path, release: int) -> QuestionSet | None:
    try:
        questions = read_questions(store, release)
    except BadQuestions as error:
        log.warning("the recall of release %d is not watched: %s", release, error)
        return None
    if questions is None:
        log.warning("the recall of release %d is not watched: it was made without questions", release)
    return questions
