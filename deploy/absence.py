"""Tells when what the models search is away: no fault of the server, and no reload brings it back."""

from __future__ import annotations

import time
from collections.abc import Callable

from deploy.errors import NoAnswer, ProbeFailed
from deploy.events import EventLog


class Absence:
    """Since when Milvus does not answer, as the probes of each model find it.

    Args:
        events: Is told once when it goes, and once when it is back.
        clock: Seconds, monotonic.
    """

    def __init__(self, events: EventLog, clock: Callable[[], float] = time.monotonic) -> None:
        self._events, self._clock = events, clock
        self._models: set[str] = set()
        self._since = 0.0

    def explains(self, model: str, failure: ProbeFailed) -> bool:
        """Whether a probe of a model failed for nothing but this, so that nothing is to be repaired."""
        if not (isinstance(failure, NoAnswer) and failure.away):
            return False
        if not self._models:
            self._since = self._clock()
            text = f"the server is at work, but what it searches is away; it is asked again: {failure}"
            self._events.add("away", text, model=model)
        self._models.add(model)
        return True

    def over(self, model: str) -> None:
        """Take note of a probe of a model that was answered."""
        if self._models == {model}:
            seconds = self._clock() - self._since
            self._events.add("back", f"Milvus answers again after {seconds:.1f} s", seconds=seconds)
        self._models.discard(model)
