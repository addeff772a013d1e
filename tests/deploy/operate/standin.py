"""A switchboard that does what a test tells it to, behind a real socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy.operate.place import connect
from deploy.switching.values import Action, By, Canary, Status, Switched, Tell

Command = tuple[str, int, float, By]


class StandIn:
    """Notes every command; ``during`` runs in the middle of a switch."""

    def __init__(self) -> None:
        self.asked: list[Command] = []
        self.finished = threading.Event()
        self.canary_now: Canary | None = Canary(3, 0.25)
        self.during: Callable[[Tell], None] = lambda tell: None

    def status(self) -> Status:
        return Status(2, 1, self.canary_now, (2, 3), "2026-11-21T10:00:00.000+00:00", "loading release 3")

    def activate(self, release: int, by: By, tell: Tell) -> Switched:
        return self._switch("activate", release, 0.0, by, tell)

    def rollback(self, by: By, tell: Tell) -> Switched:
        return self._switch("rollback", 1, 0.0, by, tell)

    def canary(self, release: int, share: float, by: By, tell: Tell) -> Switched:
        return self._switch("canary", release, share, by, tell)

    def end_canary(self, by: By, tell: Tell) -> Switched:
        return self._switch("end_canary", 2, 0.0, by, tell)

    def _switch(self, action: Action, release: int, share: float, by: By, tell: Tell) -> Switched:
        self.asked.append((action, release, share, by))
        tell(f"loading release {release}")
        self.during(tell)
        tell("moving the names")
        self.finished.set()
        return Switched(action, 2, release, 1.5, f"release {release} is live")


def say(store: Path, line: bytes) -> list[bytes]:
    """The answer to any bytes, line by line."""
    with connect(store) as connection:
        connection.settimeout(20)
        connection.sendall(line)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as reader:
            return list(reader)


def raising(error: Exception) -> Callable[[Tell], None]:
    """Something that goes wrong during a switch."""

    def fail(_tell: Tell) -> Any:
        raise error

    return fail
