"""Whose turn it is to write to a collection."""

from __future__ import annotations

import time
from typing import Protocol


class Turn(Protocol):
    """The right of one process to write; asked for before every single write."""

    @property
    def holder(self) -> str:
        """The name of the process, which the state that it writes bears."""

    def check(self) -> None:
        """Return only where this process may write now.

        Raises:
            AnotherFeeder: Another process writes.
            Stopped: This one was asked to end.
            MilvusAway: Nobody knows.
        """

    def pause(self, seconds: float) -> None:
        """Wait before a write is tried again; shorter where the process was asked to end."""


class Alone:
    """The turn of one who writes where nobody else does, such as a test or a single fill."""

    @property
    def holder(self) -> str:
        """No name."""
        return ""

    def check(self) -> None:
        """Any time."""

    def pause(self, seconds: float) -> None:
        """All of them."""
        time.sleep(seconds)
