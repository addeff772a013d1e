"""One switch at a time, and each of them in the audit log."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from deploy.audit import Audit, Outcome
from deploy.errors import CannotSwitch, DeployError, SwitchBusy, SwitchFailed
from deploy.events import EventLog, logger
from deploy.switching.values import Action, By, Switched, Tell


@dataclass
class Turn:
    """A switch that is under way.

    Args:
        action: What is being done.
        before: The release that is live, or on trial.
        after: The one that shall be.
        by: Who wants it.
        tell: Told what is being done.
    """

    action: Action
    before: int
    after: int
    by: By
    tell: Tell
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.started


class Turns:
    """Lets one switch after the other be made. Threads may share it.

    Args:
        audit: Where each is written, those that are refused or fail too.
        events: Is told of those that were made, or failed.
        stopping: Set when nothing is to be switched any more.
    """

    def __init__(self, audit: Audit, events: EventLog, stopping: threading.Event) -> None:
        self._audit, self._events, self._stopping = audit, events, stopping
        self._lock = threading.Lock()
        self._background = False
        self.doing: str | None = None

    @contextmanager
    def take(self, turn: Turn) -> Iterator[None]:
        """Make a switch.

        Raises:
            SwitchBusy: Another one is being made.
            CannotSwitch: What it ended with, whatever the cause; or the server is being stopped.
            SwitchFailed: So.
        """
        self._wait(turn.tell)
        self.doing = f"{turn.action} {turn.after}, wanted by {turn.by.who}"
        try:
            if self._stopping.is_set():
                raise CannotSwitch("the server is being stopped")
            yield
        except SwitchFailed as error:
            self._events.add("switch_failed", str(error), seconds=turn.seconds)
            self.write(turn, "failed", str(error))
            raise
        except (DeployError, OSError) as error:
            self.write(turn, "refused", str(error))
            raise error if isinstance(error, CannotSwitch) else CannotSwitch(str(error)) from error
        finally:
            self._release()

    @contextmanager
    def background(self, doing: str) -> Iterator[bool]:
        """Do what a switch may wait for; whether it is this one's turn."""
        mine = self._lock.acquire(blocking=False)
        if mine:
            self.doing, self._background = doing, True
        try:
            yield mine
        finally:
            if mine:
                self._release()

    def done(self, turn: Turn, told: str) -> Switched:
        """Tell everybody of a switch that was made."""
        seconds = turn.seconds
        self._events.add("canary_started" if turn.action == "canary" else "switched", told, seconds=seconds)
        self.write(turn, "done", told)
        return Switched(turn.action, turn.before, turn.after, seconds, told)

    def write(self, turn: Turn, outcome: Outcome, told: str) -> None:
        """Write to the audit log; that this cannot be done is no reason to leave a switch half-made."""
        by, seconds = turn.by, turn.seconds
        try:
            self._audit.add(
                by.who, turn.action, turn.before, turn.after, why=by.why, outcome=outcome, seconds=seconds, told=told
            )
        except OSError:
            logger.exception("the audit log cannot be written: %s of release %d: %s", turn.action, turn.after, told)

    def _wait(self, tell: Tell) -> None:
        if self._lock.acquire(blocking=False):
            return
        if not self._background:
            raise SwitchBusy(f"another switch is being made: {self.doing}; see `status`, and try again")
        tell(f"waiting, since the server is {self.doing}")
        self._lock.acquire()

    def _release(self) -> None:
        self.doing, self._background = None, False
        self._lock.release()
