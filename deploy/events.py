"""What happened to a server, for people (a log line) and for programs (``run/events.jsonl``)."""

from __future__ import annotations

import json
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from deploy.live import now

logger = logging.getLogger("deploy")

Kind = Literal[
    "started", "stopped",
    "stub_died", "stub_stopped", "probe_failed", "overloaded", "restarting", "away", "back",
    "recovered", "reload_failed", "restarted", "restart_failed", "gave_up",
    "switched", "switch_failed", "fell_back", "standby", "standby_failed", "canary_started", "canary_ended",
    "keeper_died", "snapshot_written", "snapshot_failed", "embedded", "not_embedded",
]  # fmt: skip
_NEWS: frozenset[Kind] = frozenset(
    {
        *("started", "stopped", "back", "recovered", "restarted", "snapshot_written", "embedded"),
        *("switched", "standby", "canary_started"),
    }
)
_KEPT = 1_000


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Args:
        time: ISO 8601, UTC.
        kind: What it was.
        text: The same in words.
        model: The model it happened to.
        seconds: How long the trouble, or the start, took.
    """

    time: str
    kind: Kind
    text: str
    model: str | None = None
    seconds: float | None = None


class EventLog:
    """Keeps events, logs them, and appends them to a file.

    Args:
        path: JSON lines, one an event.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._events: deque[Event] = deque(maxlen=_KEPT)
        self._listeners: list[Callable[[Event], None]] = []

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Have every event from now on told to somebody, in the thread that it happens in: it must not wait."""
        with self._lock:
            self._listeners.append(listener)

    def add(self, kind: Kind, text: str, *, model: str | None = None, seconds: float | None = None) -> None:
        """Tell that something happened now."""
        event = Event(now(), kind, text, model, None if seconds is None else round(seconds, 3))
        logger.log(logging.INFO if kind in _NEWS else logging.WARNING, "%s", text)
        with self._lock:
            self._events.append(event)
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("a") as file:
                    file.write(json.dumps(asdict(event)) + "\n")
            except OSError as error:
                logger.warning("%s cannot be written: %s", self._path, error)
            for listener in self._listeners:
                listener(event)

    def all(self) -> list[Event]:
        """The events so far, oldest first."""
        with self._lock:
            return list(self._events)
