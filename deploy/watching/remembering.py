"""What was measured of releases while they were live, kept over restarts of the program: ``STORE/run/watch.json``."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deploy.watching.observing import Latency, Readings, Recall, Traffic

log = logging.getLogger("deploy")

FILE = "watch.json"
FORMAT = 1
_EVERY_S = 60.0


class Memory:
    """Reads and writes the file, at most once a minute.

    Args:
        store: The store.
    """

    def __init__(self, store: Path) -> None:
        self._path = store / "run" / FILE
        self._written = float("-inf")
        self._told = False

    def read(self) -> dict[int, Readings]:
        """What was measured, by release; empty where there is no file that can be read."""
        try:
            content = json.loads(self._path.read_text("utf-8"))
            if content["format"] != FORMAT:
                return {}
            return {int(release): _readings(int(release), row) for release, row in content["measured"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def write(self, measured: Mapping[int, Readings], now: float) -> None:
        """Keep it, where the last time was a minute ago. ``now`` is in seconds since 1970."""
        if now - self._written < _EVERY_S:
            return
        self._written = now
        content = {"format": FORMAT, "measured": {str(release): _row(one) for release, one in measured.items()}}
        unfinished = self._path.with_name(f".{FILE}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(json.dumps(content) + "\n", "utf-8")
            unfinished.replace(self._path)
        except OSError as error:
            if not self._told:
                log.warning("%s cannot be written: %s", self._path, error)
            self._told = True


def _row(readings: Readings) -> dict[str, Any]:
    return {
        "traffic": None if readings.traffic is None else asdict(readings.traffic),
        "latencies": {kind: asdict(latency) for kind, latency in readings.latencies.items()},
        "recall": None if readings.recall is None else asdict(readings.recall),
        "questions": [readings.answered, readings.refused, readings.failed],
    }


def _readings(release: int, row: Mapping[str, Any]) -> Readings:
    latencies = {
        kind: Latency(each["requests"], each["p99_ms"], tuple(each["minutes"]))
        for kind, each in row["latencies"].items()
    }
    answered, refused, failed = row["questions"]
    return Readings(
        release,
        traffic=None if row["traffic"] is None else Traffic(**row["traffic"]),
        latencies=latencies,
        recall=None if row["recall"] is None else Recall(**row["recall"]),
        answered=answered,
        refused=refused,
        failed=failed,
    )
