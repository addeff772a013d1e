"""Repairs a server: reloads models, and starts the server again where that does not help."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from deploy.diagnose import named_models, tell_faults, visible_faults
from deploy.errors import Aborted, DeployError, GaveUp, NoAnswer, ProbeFailed, RecoveryFailed, RequestFailed
from deploy.events import EventLog
from deploy.launch import Launcher, Running
from deploy.options import WatchOptions
from deploy.stubs import StubTable, kill

_BACKOFF_S = 0.5


class Repairer:
    """Holds the running server and replaces its broken parts. Not to be used by two threads at once.

    ``repairs`` counts the repairs that have ended, so that who waited for one knows.

    Args:
        running: The server.
        launcher: Starts it again; its ``abort`` ends every repair.
        events: Is told of every repair.
        options: How often to try.
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
        self._launcher, self._events, self._options, self._give_up = launcher, events, options, give_up
        self._restarts: deque[float] = deque()
        self.repairs = 0
        self.adopt(running)
        self.table.look()

    def adopt(self, running: Running) -> None:
        """Take over a server that has just been given a process."""
        self.running = running
        self.table = StubTable(running.process.pid, running.control.ready_versions)

    @property
    def stopping(self) -> bool:
        """Whether nothing is to be repaired any more."""
        return self._launcher.abort.is_set()

    def reload(self, models: set[str], *, hung: bool = False) -> None:
        """Reload models until all probes are answered well; restart the server when they never are.

        Args:
            models: The models at fault.
            hung: Whether their stubs live but do not answer: they are killed, so that requests stuck in them end.
        """
        try:
            self._reload(models, hung=hung)
        finally:
            self.repairs += 1

    def restart(self, reason: str) -> None:
        """Kill the server and start it again, at the same address.

        Args:
            reason: Why, for the report.
        """
        try:
            self._restart(reason)
        finally:
            self.repairs += 1

    def _reload(self, models: set[str], *, hung: bool) -> None:
        started = time.monotonic()
        for attempt in range(self._options.reload_attempts):
            if self._launcher.abort.wait(_BACKOFF_S * attempt):
                return
            try:
                models = models | self._others_at_fault(models)
                for model in sorted(models):
                    self._reload_one(model, hung=hung)
                self._prove()
            except (RequestFailed, ProbeFailed, RecoveryFailed) as error:
                if self.stopping:
                    return
                self._events.add("reload_failed", f"reload {attempt + 1} of {_list(models)} did not help: {error}")
                models = models | named_models(error)
            else:
                seconds = time.monotonic() - started
                text = f"{_list(models)} recovered in {seconds:.1f} s"
                self._events.add("recovered", text, model=_list(models), seconds=seconds)
                return
        self._restart(f"reloading {_list(models)} did not help")

    def _others_at_fault(self, models: set[str]) -> set[str]:
        live = self.running.view.pinned.number
        faults = visible_faults(self.table)
        found = {key: state for key, state in faults.items() if key[0] not in models and key[1] == live}
        tell_faults(found, self._events)
        return {model for model, _, _ in found}

    def _restart(self, reason: str) -> None:
        started = time.monotonic()
        self._events.add("restarting", f"restarting the server: {reason}")
        while not self.stopping:
            # What ended of a release that was being loaded beside the live one says nothing about the live one.
            innocent = self.running.view.loading
            self.running.kill()
            if not innocent and not self._may_restart() and not self._fell_back(reason):
                self._end(reason)
                return
            try:
                self._launcher.launch(self.adopt)
                self.table.look()
            except Aborted:
                return
            except DeployError as error:
                reason = str(error)
                self._events.add("restart_failed", f"the server did not come back: {error}")
            else:
                seconds = time.monotonic() - started
                self._events.add("restarted", f"the server is back after {seconds:.1f} s", seconds=seconds)
                return

    def _reload_one(self, model: str, *, hung: bool) -> None:
        """Load the live version of a model anew; another one that is held beside it is not touched."""
        version = self.running.view.pinned.number
        stubs = self.table.of_model(model, version)
        for stub in stubs:
            if hung or self.table.stopped(stub):
                kill(stub.pid)
        timeout_s = self._options.load_timeout_s
        try:
            for script in {stub.script for stub in stubs}:
                script.touch()  # Triton does nothing about a model whose files have not changed
        except OSError:
            # A repository that cannot be written to: the ensembles above are gone for the moment between the two calls.
            self.running.control.unload(model, timeout_s)
        self.running.control.load(model, timeout_s)
        self.table.replace(model, version)
        if stubs and not self.table.of_model(model, version):
            raise RecoveryFailed(f"{model} has no stub after it was loaded")

    def _prove(self) -> None:
        for probe in self._launcher.serving.now.probes:
            try:
                probe.send(self.running.control, 2 * self._options.probe_timeout_s)
            except NoAnswer as error:
                if not (error.busy or error.away):
                    raise

    def _may_restart(self) -> bool:
        now = time.monotonic()
        while self._restarts and now - self._restarts[0] > self._options.restart_window_s:
            self._restarts.popleft()
        self._restarts.append(now)
        return len(self._restarts) <= self._options.max_restarts

    def _fell_back(self, reason: str) -> bool:
        """Serve the release before this one, where there is one: this one may be what ends the server."""
        release = self._launcher.serving.fall_back(reason)
        if release is None:
            return False
        self._restarts.clear()
        self._events.add("fell_back", f"serving release {release} instead, as this one does not stay up: {reason}")
        return True

    def _end(self, reason: str) -> None:
        limit = f"{self._options.max_restarts} restarts within {self._options.restart_window_s:g} s"
        failure = GaveUp(f"stopped serving after {limit}, the last because: {reason}")
        self._events.add("gave_up", str(failure))
        self._launcher.abort.set()
        self._give_up(failure)


def _list(models: set[str]) -> str:
    return ", ".join(sorted(models))
