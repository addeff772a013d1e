"""What happened before this look: in the audit log, and in the events of the server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.audit import Audit, Entry
from deploy.watching.observing import seconds_of

NAME = "watch"
EVENTS = "events.jsonl"
_SWITCHES = ("activate", "rollback", "fall_back")
_BACK = ("rollback", "fall_back")


@dataclass(frozen=True)
class Past:
    """What the audit log says.

    Args:
        bad: Releases that were rolled back from, by whomever.
        rolled_back: When this program last rolled back or tried to, in seconds since 1970; None for never.
        gone_back: Whether the last switch was back.
    """

    bad: frozenset[int] = frozenset()
    rolled_back: float | None = None
    gone_back: bool = False

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Past:
        """Read entries, oldest first."""
        done = [entry for entry in entries if entry.outcome == "done" and entry.action in _SWITCHES]
        bad = (entry.before for entry in done if entry.action in _BACK)
        tried = [entry.time for entry in entries if entry.action == "rollback" and _is_watch(entry.who)]
        return cls(
            bad=frozenset(release for release in bad if release is not None),
            rolled_back=seconds_of(tried[-1]) if tried else None,
            gone_back=bool(done) and done[-1].action in _BACK,
        )


def past(store: Path) -> Past:
    """What the audit log of a store says."""
    return Past.of(Audit(store).all())


class ServerEvents:
    """What ``deploy serve`` told in ``run/events.jsonl``, read on from where it was read to.

    Args:
        store: The store.
    """

    def __init__(self, store: Path) -> None:
        self._path = store / "run" / EVENTS
        self._read = 0
        self._restarts: list[float] = []
        self._away: str | None = None

    def look(self) -> None:
        """Read what is new; a file that was cut is read from its beginning."""
        try:
            with self._path.open("rb") as file:
                if file.seek(0, 2) < self._read:
                    self._read = 0
                file.seek(self._read)
                lines = file.read()
        except OSError:
            return
        whole = lines[: lines.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            self._take(line)

    def restarts_since(self, time: float) -> int:
        """Restarts of the server after a moment, in seconds since 1970."""
        return sum(restart > time for restart in self._restarts)

    @property
    def away(self) -> str | None:
        """What the server needs and does not reach, in its own words; None for nothing."""
        return self._away

    def _take(self, line: bytes) -> None:
        try:
            event: dict[str, Any] = json.loads(line)
            kind, time, text = event["kind"], seconds_of(event["time"]), str(event["text"])
        except (ValueError, KeyError, TypeError):
            return
        if kind == "restarted":
            self._restarts.append(time)
        elif kind in ("back", "started"):
            self._away = None
        elif kind == "away":
            self._away = text


def _is_watch(who: str) -> bool:
    """Whether an entry is this program's; the server may put the user before the name."""
    return who.rpartition(": ")[2] == NAME
