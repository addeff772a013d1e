"""From what a command line is given, in options and files, to what the client takes."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from clients.errors import BadInput

History = tuple[list[tuple[str, float]], list[int]]
"""Products with their weights, and their times in Unix seconds; no times at all where none are told."""


def read_weights(told: str) -> tuple[float, float]:
    """Read ``TEXT,IMAGE``.

    Raises:
        BadInput: Not two numbers with a comma between them.
    """
    try:
        text, image = (float(part) for part in told.split(","))
    except ValueError:
        raise BadInput(f"--weights: {told!r}; allowed: two numbers, text and image, as in 0.7,0.3") from None
    return text, image


def read_liked(told: Sequence[str]) -> list[tuple[str, float]]:
    """Read ``ID`` or ``ID:WEIGHT``; what follows the last colon is a weight where it is a number.

    >>> read_liked(["M1", "M2:0.5", "shop:M3", "shop:4:1"])
    [('M1', 1.0), ('M2', 0.5), ('shop:M3', 1.0), ('shop:4', 1.0)]

    Raises:
        BadInput: No id.
    """
    liked = []
    for each in told:
        name, colon, weight = each.rpartition(":")
        number = _number(weight) if colon else None
        found = (each, 1.0) if number is None else (name, number)
        if not found[0]:
            raise BadInput(f"--product: {each!r}; allowed: ID or ID:WEIGHT, as in M1 or M2:-0.5")
        liked.append(found)
    return liked


def read_history(path: Path) -> History:
    """Read a history: a ``.csv`` with a line of names, or JSON lines; ``product`` and, if told, ``time``, ``weight``.

    A time is in Unix seconds or as in ``2026-01-31T12:00:00Z``, without a zone in UTC. Without times, the newest stands
    first.

    Raises:
        BadInput: It cannot be read, has no products, a row is none, or only some rows have a time.
    """
    rows = [_event(row, f"--history: {str(path)!r}, row {number}") for number, row in enumerate(_rows(path), 1)]
    times = [time for _, time in rows if time is not None]
    if not rows:
        raise BadInput(f"--history: {str(path)!r} has no products; give one a line, as in {EXAMPLE}")
    if times and len(times) < len(rows):
        raise BadInput(f"--history: {str(path)!r}: {len(times)} of {len(rows)} rows have a time; give all one, or none")
    return [liked for liked, _ in rows], times


EXAMPLE = '{"product": "M1", "time": "2026-01-31T12:00:00Z"}'


def read_text(option: str, source: str) -> str:
    """The text of a file, or of the standard input where ``source`` is ``-``.

    Raises:
        BadInput: It cannot be read.
    """
    try:
        return sys.stdin.read() if source == "-" else Path(source).read_text("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadInput(f"{option}: cannot read {source!r}: {reason}") from None


def read_object(option: str, source: str) -> dict[str, Any]:
    """The JSON object in a file, or in the standard input.

    Raises:
        BadInput: It cannot be read, or is none.
    """
    try:
        told = json.loads(read_text(option, source))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{option}: not JSON: {error}") from None
    if not isinstance(told, dict):
        raise BadInput(f"{option}: one JSON object is needed")
    return told


def _rows(path: Path) -> Iterable[object]:
    text = read_text("--history", str(path))
    if path.suffix == ".csv":
        yield from csv.DictReader(StringIO(text, newline=""))
        return
    for line in filter(str.strip, text.splitlines()):
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            yield line


def _event(row: object, place: str) -> tuple[tuple[str, float], int | None]:
    told: Mapping[str, object] = row if isinstance(row, dict) else {}
    name, weight, time = (told.get(field) for field in ("product", "weight", "time"))
    if not isinstance(name, str) or not name:
        raise BadInput(f"{place}: {str(row)[:60]!r}; allowed: a product, as in {EXAMPLE}")
    counts = 1.0 if weight in (None, "") else _number(weight)
    if counts is None:
        raise BadInput(f"{place}: weight {weight!r}; allowed: a number")
    return (name, counts), None if time in (None, "") else _seconds(time, place)


def _seconds(time: object, place: str) -> int:
    number = _number(time)
    try:
        if number is None:
            moment = datetime.fromisoformat(str(time))
            number = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        return math.floor(number)
    except (ValueError, OverflowError):
        raise BadInput(f"{place}: time {time!r}; allowed: Unix seconds, or as in 2026-01-31T12:00:00Z") from None


def _number(told: object) -> float | None:
    if isinstance(told, bool) or not isinstance(told, str | int | float):
        return None
    try:
        return float(told)
    except (ValueError, OverflowError):
        return None
