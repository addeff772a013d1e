"""Finds the models behind a probe that failed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping

from deploy.errors import NoAnswer, ProbeFailed
from deploy.events import EventLog
from deploy.stubs import Key, StubTable

_UNHEALTHY = re.compile(r"Stub process '(?P<model>\S+)_\d+_\d+' is not healthy")


class Progress:
    """Remembers when each model last finished something.

    Args:
        clock: Seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: dict[str, int] = {}
        self._changed: dict[str, float] = {}

    def update(self, counts: Mapping[str, int]) -> None:
        """Take note of the counts of now; see ``Control.progress``."""
        now = self._clock()
        for model, count in counts.items():
            if self._counts.get(model) != count:
                self._counts[model], self._changed[model] = count, now

    def stalled(self, models: Iterable[str], seconds: float) -> list[str]:
        """Those of the models that have not finished anything for so long."""
        now = self._clock()
        return [model for model in models if now - self._changed.get(model, now) >= seconds]


def named_models(failure: Exception) -> set[str]:
    """Models whose dead stub an error of the server names."""
    return set(_UNHEALTHY.findall(str(failure)))


def visible_faults(table: StubTable) -> dict[Key, str]:
    """Instances whose stub is dead or stopped, and which of both.

    Raises:
        RequestFailed: The server does not answer.
    """
    table.look()  # a fault counts at the second look
    return table.look()


def tell_faults(faults: Mapping[Key, str], events: EventLog) -> None:
    """Report what `visible_faults`, or a look at the table, has found."""
    for (model, version, instance), state in faults.items():
        events.add(
            "stub_died" if state == "died" else "stub_stopped",
            f"the stub process of {model} (version {version}, instance {instance}) {state}",
            model=model,
        )


def find_culprits(
    failure: ProbeFailed, steps: Iterable[str], table: StubTable, progress: Progress, patience_s: float
) -> set[str]:
    """The models to reload: those whose stub is visibly at fault, or else those that the failure points to.

    Args:
        failure: How the probe failed.
        steps: Models that it went through, in their order.
        table: The server's stubs.
        progress: What the models have finished, up to now.
        patience_s: A model that finished nothing for so long, while a probe waited, hangs.

    Returns:
        Empty when the probe waited in vain though every step makes progress: the server is overloaded, not broken.

    Raises:
        RequestFailed: The server does not answer.
    """
    known = {key[0] for key in visible_faults(table)} or named_models(failure)
    if known:
        return known
    hosted = [step for step in steps if step in table.models()]
    if isinstance(failure, NoAnswer) and (failure.timed_out or failure.busy):
        # The steps behind one that hangs get nothing to do, so they stand still, too.
        return set(progress.stalled(hosted, patience_s)[:1])
    return set(hosted)
