"""Looks after what is loaded beside the live release, in the background."""

from __future__ import annotations

import threading
from collections import Counter

from deploy.errors import DeployError
from deploy.events import EventLog, logger
from deploy.serving import Serving
from deploy.switching.hands import Hands
from deploy.switching.switchboard import Switchboard

_EVERY_S = 1.0
_ATTEMPTS = 2


class Standby:
    """Keeps the release to go back to loaded, and lets go of one whose processes do not stay up.

    A release that could not be loaded twice is not tried again: where there is no room for it, or it ends the server,
    what is live is worth more. ``rollback`` still tries.

    Args:
        switchboard: Loads it.
        serving: What is served, and which releases are at fault.
        hands: The server.
        events: Is told of what was loaded, and of what could not be.
        wanted: Whether a release to go back to is to be loaded at all.
    """

    def __init__(
        self, switchboard: Switchboard, serving: Serving, hands: Hands, events: EventLog, *, wanted: bool
    ) -> None:
        self._switchboard, self._serving, self._hands = switchboard, serving, hands
        self._events, self._wanted = events, wanted
        self._attempts: Counter[int] = Counter()
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
                logger.exception("what is loaded beside the live release was not looked after; going on")

    def _look(self) -> None:
        self._switchboard.note_restart()
        loaded = self._switchboard.status().loaded
        for release, reason in self._serving.at_fault().items():
            self._attempts[release] = _ATTEMPTS
            if release in loaded:
                self._switchboard.drop(release, reason)
                self._events.add("standby_failed", f"release {release} is not held any more: {reason}")
        if self._wanted:
            self._load()

    def _load(self) -> None:
        status = self._switchboard.status()
        previous = status.previous
        # What else is held may be wanted again: after a rollback the release that was left.
        if previous is None or len(status.loaded) > 1 or self._attempts[previous] >= _ATTEMPTS:
            return
        if not self._hands.running().control.ready():  # it is being started, or started again
            return
        self._attempts[previous] += 1  # before: the server may end of it
        try:
            held = self._switchboard.hold_previous()
        except DeployError as error:
            if not self._hands.stopping.is_set():
                self._events.add("standby_failed", f"release {previous} is not there to go back to at once: {error}")
        else:
            self._attempts[previous] = 0
            if held:
                self._events.add("standby", f"release {previous} is loaded, to go back to at once")
