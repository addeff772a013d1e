"""One switch at a time, and each of them in the audit log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from deploy.audit import Audit, Outcome
from deploy.errors import CannotSwitch, DeployError, SwitchBusy, SwitchFailed
from deploy.events import EventLog, Kind, logger
from deploy.switching.values import Action, By, Switched, Tell

_KINDS: dict[Action, Kind] = {"canary": "canary_started", "end_canary": "canary_ended"}


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
        self._free = threading.Condition()
        self._awaited = self._background = False
        self.doing: str | None = None

    @contextmanager
    def take(self, tell: Tell, make: Callable[[], Turn]) -> Iterator[Turn]:
        """Make a switch.

        Args:
            tell: Told where this has to wait.
            make: Says what is to be done, by what is live then: called when it is this one's turn.

        Raises:
            SwitchBusy: Another one is being made.
            CannotSwitch: What it ended with, whatever the cause; or the server is being stopped.
            SwitchFailed: So.
        """
        self._begin(tell)
        try:
            turn = make()
            self.doing = f"{turn.action} {turn.after}, wanted by {turn.by.who}"
            with self._written(turn):
                if self._stopping.is_set():
                    raise CannotSwitch("the server is being stopped")
                yield turn
        finally:
            self._end()

    @contextmanager
    def background(self, doing: str) -> Iterator[bool]:
        """Do what a switch waits for; whether it is this one's turn."""
        with self._free:
            mine = self.doing is None
            if mine:
                self.doing, self._background = doing, True
        try:
            yield mine
        finally:
            if mine:
                self._end()

    def pause(self, seconds: float) -> bool:
        """Wait, but not while a switch does so for what is done in the background; whether one does."""
        with self._free:
            return self._free.wait_for(lambda: self._awaited, seconds)

    def done(self, turn: Turn, told: str) -> Switched:
        """Tell everybody of a switch that was made."""
        seconds = turn.seconds
        self._events.add(_KINDS.get(turn.action, "switched"), told, seconds=seconds)
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

    @contextmanager
    def _written(self, turn: Turn) -> Iterator[None]:
        """Whatever a switch ends with stands in the audit log."""
        try:
            yield
        except SwitchFailed as error:
            self._events.add("switch_failed", str(error), seconds=turn.seconds)
            self.write(turn, "failed", str(error))
            raise
        except (DeployError, OSError) as error:
            self.write(turn, "refused", str(error))
            raise error if isinstance(error, CannotSwitch) else CannotSwitch(str(error)) from error
        except BaseException as error:
            self.write(turn, "failed", repr(error))
            raise

    def _begin(self, tell: Tell) -> None:
        with self._free:
            if self.doing is not None:
                if not self._background or self._awaited:
                    raise SwitchBusy(f"another switch is being made: {self.doing}; see `status`, and try again")
                self._awaited = True
                self._free.notify_all()
                tell(f"waiting, since the server is {self.doing}")
                try:
                    self._free.wait_for(lambda: self.doing is None)
                finally:
                    self._awaited = False
            self.doing = "a switch"

    def _end(self) -> None:
        with self._free:
            self.doing, self._background = None, False
            self._free.notify_all()
