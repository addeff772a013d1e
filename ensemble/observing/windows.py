"""Samples of live requests as files: ``MODEL-RELEASE-PID-INSTANCE-SEQUENCE.npz``, one a window and writer."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.observing.features import Row

FORMAT = 1
_UNFINISHED = re.compile(r"\.(?P<model>[a-z_]+)-.+\.npz\.\d+")
_NAME = re.compile(r"(?P<model>[a-z_]+)-(?P<release>\d+)-(?P<pid>\d+)-(?P<instance>\w+)-(?P<sequence>\d+)\.npz")

Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Writer:
    """Whose windows they are.

    Args:
        model: Name of the model.
        release: Its version.
        pid: Process that it runs in.
        instance: Which instance of the model it is: letters, digits and underscores.
    """

    model: str
    release: int
    pid: int
    instance: str

    def file(self, sequence: int) -> str:
        """Name of the file of a window."""
        return f"{self.model}-{self.release}-{self.pid}-{self.instance}-{sequence:020d}.npz"


@dataclass(frozen=True)
class Window:
    """A uniform sample of the requests that one writer saw in a stretch of time.

    Args:
        writer: Who saw them.
        started: When it began, seconds since the epoch.
        ended: When it ended.
        seen: How many requests there were.
        columns: What was noted, by name; as many values in each as there are samples.
    """

    writer: Writer
    started: float
    ended: float
    seen: int
    columns: Columns

    @property
    def samples(self) -> int:
        """How many of the requests are here."""
        return len(next(iter(self.columns.values()), ()))


def columns_of(rows: Sequence[Row]) -> dict[str, NDArray[Any]]:
    """Rows, all with the same names, as an array a name."""
    return {name: np.array([row[name] for row in rows]) for name in (rows[0] if rows else ())}


def write_columns(path: Path, columns: Columns, facts: Mapping[str, float] | None = None, *, mode: int = 0o600) -> None:
    """Write a file, whole or not at all, that by default its owner alone can read.

    Raises:
        OSError: It cannot be written; nothing is left of it.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            np.savez_compressed(file, format=FORMAT, **(facts or {}), **columns)
        unfinished.replace(path)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise


def read_columns(path: Path) -> dict[str, NDArray[Any]]:
    """Read what ``write_columns`` wrote, facts included.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not such a file.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            columns = {name: file[name] for name in file.files}
    except OSError:
        raise
    except Exception as error:  # of bits that flipped, NumPy raises what its parsers do: zlib's, struct's, tokenize's
        raise ValueError(f"{path}: not a file of samples: {error}") from error
    if int(columns.pop("format", -1)) != FORMAT:
        raise ValueError(f"{path}: not a file of samples of format {FORMAT}")
    return columns


def read_windows(folder: Path, model: str, release: int, *, since: float = 0.0) -> list[Window]:
    """Windows of a model of a release that ended since a time, newest first.

    Files that vanish meanwhile, or that cannot be read, are passed over: they are a sample anyway.
    """
    windows = [_read(path, writer) for path, writer in _files(folder, model) if writer.release == release]
    kept = [window for window in windows if window is not None and window.ended >= since]
    return sorted(kept, key=lambda window: (window.ended, window.writer.file(0)), reverse=True)


def prune(folder: Path, writer: Writer, *, most_bytes: int, before: float) -> None:
    """Remove what any writer of a model left before a time, and a writer's oldest windows beyond a size.

    What a process that was killed had not finished goes too. A writer's newest window stays whatever its size.

    Args:
        folder: Where windows are.
        writer: Whose size is bounded.
        most_bytes: Of all its windows.
        before: Seconds since the epoch.

    Raises:
        OSError: The folder cannot be read.
    """
    files = _files(folder, writer.model)
    newest_first = sorted((path for path, who in files if who == writer), reverse=True)
    sizes = accumulate(map(_size, newest_first))
    beyond = [path for path, size in zip(newest_first, sizes, strict=True) if size > most_bytes]
    old = [path for path in (*(path for path, _ in files), *_unfinished(folder, writer.model)) if _older(path, before)]
    for path in {*old, *(path for path in beyond if path != newest_first[0])}:
        path.unlink(missing_ok=True)


def _files(folder: Path, model: str) -> list[tuple[Path, Writer]]:
    found = []
    for path in folder.glob(f"{model}-*.npz"):
        match = _NAME.fullmatch(path.name)
        if match is not None:
            found.append((path, Writer(match["model"], int(match["release"]), int(match["pid"]), match["instance"])))
    return found


def _unfinished(folder: Path, model: str) -> list[Path]:
    found = ((path, _UNFINISHED.fullmatch(path.name)) for path in folder.glob(f".{model}-*"))
    return [path for path, match in found if match is not None and match["model"] == model]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _older(path: Path, than: float) -> bool:
    try:
        return path.stat().st_mtime < than
    except FileNotFoundError:
        return False


def _read(path: Path, writer: Writer) -> Window | None:
    try:
        columns = read_columns(path)
        started, ended, seen = (columns.pop(name) for name in ("started", "ended", "seen"))
        window = Window(writer, float(started), float(ended), int(seen), columns)
        lengths = {len(column) for column in columns.values()}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return window if len(lengths) < 2 else None
