"""Which share of the questions was answered: ``STORE/run/uptime.json``, the last 31 days on which some were asked."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

log = logging.getLogger("deploy")

FILE = "uptime.json"
DAYS = 31


class Uptime:
    """Counts questions, and those that were answered, by days of UTC.

    Args:
        store: The store.
    """

    def __init__(self, store: Path) -> None:
        self._path = store / "run" / FILE
        self._days = _read(self._path)
        self._told = False

    def add(self, time: float, asked: int, answered: int) -> None:
        """Count questions asked at a time, in seconds since 1970, and write the record."""
        if not asked:
            return
        day = datetime.fromtimestamp(time, UTC).date().isoformat()
        before = self._days.get(day, (0, 0))
        self._days[day] = (before[0] + asked, before[1] + answered)
        self._days = dict(sorted(self._days.items())[-DAYS:])
        self._write()

    @property
    def asked(self) -> int:
        """Questions in the record."""
        return sum(asked for asked, _ in self._days.values())

    @property
    def share(self) -> float | None:
        """The share of them that was answered; None where none was asked."""
        return sum(answered for _, answered in self._days.values()) / self.asked if self.asked else None

    def _write(self) -> None:
        unfinished = self._path.with_name(f".{FILE}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(json.dumps({"days": self._days}) + "\n", "utf-8")
            unfinished.replace(self._path)
        except OSError as error:
            if not self._told:
                log.warning("%s cannot be written: %s", self._path, error)
            self._told = True


def _read(path: Path) -> dict[str, tuple[int, int]]:
    """The record; empty where there is none that can be read."""
    try:
        days = json.loads(path.read_text("utf-8"))["days"]
        return {str(day): (int(asked), int(answered)) for day, (asked, answered) in days.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
