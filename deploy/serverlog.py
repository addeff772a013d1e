"""Reads the server's log for what a person needs to know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

DRAINED = "All models are stopped, unloading models"
_ROW = re.compile(r"^\| (?P<model>[^|]*?) *\| (?P<version>[^|]*?) *\| (?P<status>.*?) *\|$")
_TOLD = re.compile(r'^[EF]\d{4} [\d:.]+ \d+ \S+\] +"?(?P<text>.*?)"?$')
_HARMLESS = ("CUDA driver version is insufficient", "unable to get device count")


class ServerLog:
    """The part of a log file that is written from now on; readable even after the file has been removed.

    Args:
        path: The log file; made when it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        self._file = path.open("rb")
        self._start = self._file.seek(0, 2)

    def text(self, start: int | None = None) -> str:
        """All that was written since this object was made, or since ``end`` gave this position."""
        self._file.seek(self._start if start is None else start)
        return self._file.read().decode(errors="replace")

    def end(self) -> int:
        """The position up to which the log has been written."""
        return self._file.seek(0, 2)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def failed_models(text: str) -> dict[str, str]:
    """Models that the table of a starting server calls unavailable, and why."""
    reasons: dict[str, str] = {}
    for model, status in _table_rows(text):
        if status.startswith("UNAVAILABLE"):
            reasons[model] = status.removeprefix("UNAVAILABLE:").strip()
    return reasons


def _table_rows(text: str) -> Iterator[tuple[str, str]]:
    """(model, status) of each row; a status that goes over several lines is joined."""
    model, status = "", ""
    for line in text.splitlines():
        row = _ROW.match(line)
        if row is None or row["model"]:
            if model:
                yield model, status
            model, status = (row["model"], row["status"]) if row else ("", "")
        else:
            status = f"{status} {row['status'].strip()}".strip()
    if model:
        yield model, status


def last_words(text: str, lines: int = 8) -> str:
    """What a server said before it ended: its errors, or its last lines when it named none."""
    content = [line for line in text.splitlines() if line.strip() and not line.startswith(("+--", "| "))]
    errors = [
        told["text"] if (told := _TOLD.match(line)) else line
        for line in content
        if (_TOLD.match(line) or line.startswith("error:")) and not any(part in line for part in _HARMLESS)
    ]
    return "\n".join((errors or content)[-lines:]) or "(it wrote nothing)"
