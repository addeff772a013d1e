"""Who switched what, when and why: ``STORE/audit.jsonl``, one line a switch, never rewritten."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

FILE = "audit.jsonl"

Outcome = Literal["done", "refused", "failed"]


@dataclass(frozen=True)
class Entry:
    """One switch, or one that was not made.

    Args:
        time: When it ended, ISO 8601, UTC.
        who: Who asked for it.
        action: Such as ``activate``.
        before: The release that was live, or on trial; None where it is not known.
        after: The one that was asked for.
        why: The caller's reason.
        outcome: ``refused``: nothing was touched; ``failed``: what was before is back.
        seconds: How long it took.
        told: What came of it, in words.
    """

    time: str
    who: str
    action: str
    before: int | None
    after: int | None
    why: str
    outcome: Outcome
    seconds: float
    told: str


class Audit:
    """Writes and reads the audit log of a store.

    Args:
        store: The store.
    """

    def __init__(self, store: Path) -> None:
        self._path = store / FILE
        self._lock = threading.Lock()

    def add(  # noqa: PLR0913 -- the fields of an entry
        self,
        who: str,
        action: str,
        before: int | None,
        after: int | None,
        *,
        why: str,
        outcome: Outcome,
        seconds: float,
        told: str,
    ) -> Entry:
        """Write what was done now, durably.

        Raises:
            OSError: The log cannot be written.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = Entry(now, who, action, before, after, why, outcome, round(seconds, 3), told)
        line = json.dumps(asdict(entry), ensure_ascii=False) + "\n"
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        return entry

    def all(self) -> list[Entry]:
        """All entries, oldest first; a line that was cut off by a crash is left out."""
        try:
            lines = self._path.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [entry for entry in map(_parse, lines) if entry is not None]


def _parse(line: str) -> Entry | None:
    try:
        return Entry(**json.loads(line))
    except (ValueError, TypeError):
        return None
