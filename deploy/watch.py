"""Watches a running server, and has it repaired.

Two threads: one looks at the stub processes, several times a second; the other sends requests with known answers, which
also finds what no process table shows: a stub that hangs, an answer that is wrong. The first sees what the second
cannot: the death of one of two stubs, behind answers of the other that still look well.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from deploy import procfs
from deploy.absence import Absence
from deploy.diagnose import Progress, find_culprits, tell_faults
from deploy.errors import GaveUp, NoAnswer, ProbeFailed, RequestFailed
from deploy.events import EventLog, logger
from deploy.launch import Launcher, Running
from deploy.options import WatchOptions
from deploy.probe import Probe
from deploy.repair import Repairer
from deploy.stubs import Key

_QUIET_S = 60.0
_END_S = 2.0  # between the last sign of life of a server that was killed and the end of its clean-up


class Watcher:
    """Keeps one server at work.

    Args:
        running: The server.
        launcher: Starts it again where nothing else helps; its ``abort`` ends this watch, too.
        events: Is told of every fault and every repair.
        options: How to watch.
        give_up: Called with the reason when the server is broken for good; it has been stopped then.
    """

    def __init__(
        self,
        running: Running,
        launcher: Launcher,
        events: EventLog,
        options: WatchOptions,
        give_up: Callable[[GaveUp], None],
    ) -> None:
        self._repairer = Repairer(running, launcher, events, options, give_up)
        self._serving, self._stopping, self._events, self._options = launcher.serving, launcher.abort, events, options
        self._repairing = threading.Lock()  # one fault, seen by both threads, is repaired once
        self._progress, self._absence = Progress(), Absence(events)
        self._overloaded_at = -_QUIET_S
        self._threads = [
            threading.Thread(target=self._every, args=(options.process_interval_s, self._look), name="watch-processes"),
            threading.Thread(target=self._every, args=(options.probe_interval_s, self._ask), name="watch-answers"),
        ]

    @property
    def running(self) -> Running:
        """The server, another one after a restart."""
        return self._repairer.running

    @contextlib.contextmanager
    def switching(self) -> Iterator[Running]:
        """Have nothing repaired, and no answer judged, while what is served changes; the server as it is now."""
        with self._repairing:
            try:
                yield self.running
            finally:
                self._repairer.repairs += 1  # a probe that was under way may have met either

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait for the end, once ``abort`` of the launcher is set; a repair in progress is broken off."""
        self.running.control.close()
        for thread in self._threads:
            thread.join()

    def _every(self, interval_s: float, step: Callable[[], None]) -> None:
        while not self._stopping.wait(interval_s):
            try:
                step()
            except Exception:
                # A watch that ended because of its own mistake would leave the server to break in silence.
                logger.exception("watching the server failed; going on")

    def _look(self) -> None:
        with self._repairing:
            if self._restart_if_down():
                return
            try:
                faults = self._repairer.table.look()
            except RequestFailed:
                return  # the server may be about to end; the next look, or a probe, will tell
            if faults and not self._stopping.is_set():
                tell_faults(faults, self._events)
                self._mend(faults)

    def _mend(self, faults: Mapping[Key, str]) -> None:
        """Repair what is live. A release that nobody asks is let go of: to load it anew would not be worth the risk."""
        live = self.running.view.pinned.number
        for key, state in faults.items():
            if key[1] != live:
                self._repairer.table.forget(key)
                self._serving.blame(key[1], f"a process of {key[0]} {state}")
        if at_fault := {key[0] for key in faults if key[1] == live}:
            self._repairer.reload(at_fault)

    def _restart_if_down(self, wait_s: float = 0.0) -> bool:
        process = self.running.process
        if self._stopping.is_set():
            return False
        if process.wait(wait_s):
            self._repairer.restart(f"it ended with code {process.returncode}")
        elif procfs.is_stopped(process.pid):
            self._repairer.restart("a signal has stopped it")
        else:
            return False
        return True

    def _ask(self) -> None:
        with contextlib.suppress(RequestFailed):  # the probes will tell more
            self._progress.update(self.running.control.progress())
        # Read first: what is served, and with it what is expected, may change at any time from now on.
        repairs = self._repairer.repairs
        for probe in self._serving.now.probes:
            failure = self._failure(probe)
            if self._stopping.is_set() or repairs != self._repairer.repairs:
                return
            if failure is None:
                self._absence.over(probe.model)
            elif not self._absence.explains(probe.model, failure):
                self._judge(probe, failure, repairs)

    def _judge(self, probe: Probe, failure: ProbeFailed, repairs: int) -> None:
        with self._repairing:
            # The other thread may have found and repaired the fault, or switched releases, while this one waited.
            if repairs == self._repairer.repairs and not self._stopping.is_set() and not self._restart_if_down():
                self._act(probe, failure)

    def _failure(self, probe: Probe) -> ProbeFailed | None:
        """How a probe failed twice in a row, if it did."""
        failure: ProbeFailed | None = None
        for patience in (1, 2):
            if self._stopping.is_set():
                return None
            try:
                probe.send(self.running.control, patience * self._options.probe_timeout_s)
            except ProbeFailed as error:
                failure = error
            else:
                return None
        return failure

    def _act(self, probe: Probe, failure: ProbeFailed) -> None:
        control, table = self.running.control, self._repairer.table
        try:
            self._progress.update(control.progress())
            patience_s = 2 * self._options.probe_timeout_s
            culprits = find_culprits(failure, control.steps(probe.model), table, self._progress, patience_s)
        except RequestFailed as error:
            if not self._restart_if_down(_END_S) and not self._stopping.is_set():
                self._repairer.restart(f"it does not answer ({error})")
            return
        waited = isinstance(failure, NoAnswer) and (failure.busy or failure.timed_out)
        if waited and not culprits:
            self._tell_overload(probe, failure)
            return
        self._events.add("probe_failed", f"a request with a known answer failed: {failure}", model=probe.model)
        if culprits:
            self._repairer.reload(culprits, hung=waited)
        else:
            self._repairer.restart(f"no model of {probe.model} could be found at fault")

    def _tell_overload(self, probe: Probe, failure: ProbeFailed) -> None:
        now = time.monotonic()
        if now - self._overloaded_at > _QUIET_S:
            self._overloaded_at = now
            self._events.add("overloaded", f"overloaded, though at work: {failure}", model=probe.model)
