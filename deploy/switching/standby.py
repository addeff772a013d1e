"""Keeps the release to go back to loaded beside the live one, in the background."""

from __future__ import annotations

import threading

from deploy.errors import DeployError
from deploy.events import EventLog, logger
from deploy.launch import Running
from deploy.switching.switchboard import Hands, Switchboard

_EVERY_S = 1.0


class Standby:
    """Loads it after a start and after a restart; where there is no room for it, the log tells, and nothing is lost.

    Args:
        switchboard: Loads it.
        hands: The server.
        events: Is told of what was loaded, and of what could not be.
    """

    def __init__(self, switchboard: Switchboard, hands: Hands, events: EventLog) -> None:
        self._switchboard, self._hands, self._events = switchboard, hands, events
        self._refused: tuple[Running, int] | None = None
        self._thread = threading.Thread(target=self._run, name="standby")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the end, once the server is to end."""
        self._thread.join()

    def _run(self) -> None:
        while not self._hands.stopping.wait(_EVERY_S):
            try:
                self._look()
            except Exception:
                # The next look may fare better; without this thread nobody would notice.
                logger.exception("the release to go back to was not looked after; going on")

    def _look(self) -> None:
        self._switchboard.note_restart()
        running, status = self._hands.running(), self._switchboard.status()
        previous = status.previous
        # What else is held may be wanted again: after a rollback the release that was left.
        if previous is None or len(status.loaded) > 1 or self._refused == (running, previous):
            return
        if not running.control.ready():  # it is being started, or started again
            return
        try:
            self._switchboard.hold_previous()
        except DeployError as error:
            if running.control.ready():
                self._refused = (running, previous)
                self._events.add("standby_failed", f"release {previous} is not there to go back to at once: {error}")
        else:
            if previous in self._switchboard.status().loaded:
                self._events.add("standby", f"release {previous} is loaded, to go back to at once")
