"""Whether this container answers, found out by asking: Triton calls itself ready while its models are dead."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deploy.container.asking import Asking
from deploy.errors import NoAnswer, ProbeFailed, RequestFailed
from deploy.probe import Probe

_log = logging.getLogger(__name__)
_EVERY_S = 5.0
_FIRST_EVERY_S = 0.5
_TIMEOUT_S = 5.0
# The first request through a model is slower than all later ones.
_FIRST_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Verdict:
    """What a probe of health is told.

    Args:
        good: Whether all is well.
        reason: Why, in one line.
    """

    good: bool
    reason: str


class Health:
    """Asks the probes all the time, and remembers how it went.

    A full queue is no fault: a replica that is taken away because it is busy leaves its load to others that are. Nor is
    an answer that does not come in time, while every model that it would come from finishes requests: one that hangs
    does not. Nor is a Milvus that is away, as no other replica would do better.

    Args:
        asking: The server.
        probes: Requests with known answers.
        dead_after_s: Without an answer for so long, this replica is no longer alive.
        clock: Seconds.
        every_s: Time between two rounds.
    """

    def __init__(
        self,
        asking: Asking,
        probes: Sequence[Probe],
        dead_after_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        every_s: float = _EVERY_S,
    ) -> None:
        self._asking, self._probes, self._dead_after_s = asking, probes, dead_after_s
        self._clock, self._every_s = clock, every_s
        self._lock = threading.Lock()
        self._answered: float | None = None
        self._earlier: Mapping[str, int] | None = None  # what the models had finished at the last look
        self._fault: str | None = "the models are being loaded"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; from now on this replica is not ready, and stays alive until it has ended."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stop.is_set()

    def ready(self) -> Verdict:
        """Whether requests should come here."""
        with self._lock:
            if self.stopping:
                return Verdict(good=False, reason="stopping")
            return Verdict(self._fault is None, self._fault or "at work")

    def alive(self) -> Verdict:
        """Whether this container should go on; a start takes as long as it takes."""
        with self._lock:
            if self.stopping or self._answered is None:
                return Verdict(good=True, reason="stopping" if self.stopping else "starting")
            silent = self._clock() - self._answered
            return Verdict(silent <= self._dead_after_s, f"it was last seen at work {silent:.0f} s ago")

    def look(self) -> None:
        """Send all probes once."""
        first = self._answered is None
        fault = self._fault_now(_FIRST_TIMEOUT_S if first else _TIMEOUT_S)
        with self._lock:
            if (fault is None) != (self._fault is None):
                _log.info("ready" if fault is None else f"not ready: {fault}")
            self._fault = fault
            if fault is None:
                self._answered = self._clock()

    def _fault_now(self, timeout_s: float) -> str | None:
        if self._answered is None and not self._asking.live():
            return "the models are being loaded"
        earlier, self._earlier = self._earlier, None
        for probe in self._probes:
            before = self._progress()
            self._earlier = self._earlier or before
            try:
                self._asking.probe(probe, timeout_s)
            except NoAnswer as error:
                # What is refused at once tells nothing of the moment: what was done since the last look does.
                since = before if error.timed_out else earlier or {}
                if not (error.away or ((error.busy or error.timed_out) and self._overloaded(probe, since))):
                    return str(error)
            except (ProbeFailed, ValueError) as error:
                return str(error)
        return None

    def _overloaded(self, probe: Probe, before: Mapping[str, int]) -> bool:
        """Whether every model behind a probe has finished something meanwhile; at a start, nobody else asks them."""
        if self._answered is None:
            return False
        try:
            steps = self._asking.steps(probe.model)
        except RequestFailed:
            return False
        now = self._progress()
        return all(step in before and now.get(step, 0) > before[step] for step in steps)

    def _progress(self) -> Mapping[str, int]:
        """What the models have finished; nothing where the server does not tell."""
        try:
            return self._asking.progress()
        except RequestFailed:
            return {}

    def _run(self) -> None:
        while not self.stopping:
            self.look()
            self._stop.wait(self._every_s if self._answered is not None else _FIRST_EVERY_S)
