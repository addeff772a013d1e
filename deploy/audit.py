"""Who switched what, when and why: ``STORE/audit.jsonl``, one line a switch, never rewritten."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from deploy.live import now

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
        """Write what was done now, durably, whole or not at all.

        Raises:
            OSError: The log cannot be written.
        """
        entry = Entry(now(), who, action, before, after, why, outcome, round(seconds, 3), told)
        # What is no text, as half of a pair of surrogates in somebody's words, is written as JSON's own escape for it.
        line = json.dumps(asdict(entry), ensure_ascii=False).encode("utf-8", "backslashreplace")
        with self._lock:
            _append(self._path, line + b"\n")
        return entry

    def all(self) -> list[Entry]:
        """All entries, oldest first; a line that was cut off by a crash is left out."""
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        return [entry for entry in map(_parse, lines) if entry is not None]


def _append(path: Path, line: bytes) -> None:
    """Add a line, apart from what a crash may have left of the one before; a part of it does not stay."""
    with path.open("a+b", buffering=0) as file:
        # Other processes write too, and what they added must not be cut off.
        fcntl.flock(file, fcntl.LOCK_EX)
        length = file.seek(0, os.SEEK_END)
        torn = length > 0 and os.pread(file.fileno(), 1, length - 1) != b"\n"
        data = b"\n" + line if torn else line
        try:
            _write(file, data)
        except OSError:
            file.truncate(length)
            raise


def _write(file: io.FileIO, data: bytes) -> None:
    if file.write(data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file.name))
    os.fsync(file.fileno())


def _parse(line: bytes) -> Entry | None:
    try:
        return Entry(**json.loads(line))
    except (ValueError, TypeError):
        return None
