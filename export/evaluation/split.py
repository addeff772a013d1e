"""Events before a moment, which everything is learned from, and events from it on, which everything is judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.errors import BadEvents, Leak, TooLittle
from training.errors import TrainingInputError
from training.product.events import Events, read_table


@dataclass(frozen=True)
class Split:
    """A shop's events, cut at a moment without a gap.

    Args:
        moment_s: Unix seconds.
        before: Events before it, with the products that have one.
        after: Events at it and later.
        users: Customer of each basket, by its number in ``after`` and in ``all``; "" where unknown.
        all: Both together.

    Raises:
        Leak: An event stands on the wrong side, or on none.
        TooLittle: A side is empty.
    """

    moment_s: int
    before: Events
    after: Events
    users: tuple[str, ...]
    all: Events

    def __post_init__(self) -> None:
        check_sides(self)

    @classmethod
    def at(cls, moment_s: int, events: Events, users: tuple[str, ...]) -> Split:
        """Cut events by their own time; a basket that lasts beyond the moment is cut, too."""
        if events.time is None:
            raise BadEvents("events: column 'time' is missing; a split by time needs it")
        before = known_only(events.before(moment_s))
        return cls(moment_s, before, events.only(events.time >= moment_s), users, events)


def check_sides(split: Split) -> None:
    """See ``Split``."""
    before, after = split.before.time, split.after.time
    if before is None or after is None or not len(before) or not len(after):
        raise TooLittle(f"split at {_date(split.moment_s)}: events are needed before it and after it")
    if before.max() >= split.moment_s:
        raise Leak(f"training events reach {_date(int(before.max()))}; the split is at {_date(split.moment_s)}")
    if after.min() < split.moment_s or len(before) + len(after) != len(split.all):
        raise Leak(
            f"{len(before)} events before and {len(after)} after {_date(split.moment_s)} are not the {len(split.all)} "
            "that there are"
        )


def known_only(events: Events) -> Events:
    """The same events, with no product that has none."""
    places, product = np.unique(events.product, return_inverse=True)
    names = tuple(events.products[place] for place in places.tolist())
    return replace(events, products=names, product=product.astype(np.int64))


def read_split(path: Path, moment_s: int, names: Mapping[str, str] | None = None) -> Split:
    """Read a file of events (Parquet, CSV, JSONL) and cut it; see ``training.product.events``.

    Args:
        path: One event a row: basket, product, time, and where there are any kind and user.
        moment_s: Unix seconds.
        names: The file's own names of these columns.

    Raises:
        BadEvents: The file cannot be used.
        TooLittle: Nothing lies on one of the sides.
    """
    try:
        table = read_table(path, names)
        events = Events.of(table, names)
    except TrainingInputError as error:
        raise BadEvents(str(error)) from error
    return Split.at(moment_s, events, _users(table, names or {}))


def _users(table: Any, names: Mapping[str, str]) -> tuple[str, ...]:
    """Customer of each basket, in the order of the baskets' numbers: that of their names."""
    import pyarrow as pa

    baskets = table[names.get("basket", "basket")].cast(pa.string()).to_numpy(zero_copy_only=False).astype(str)
    found, first = np.unique(baskets, return_index=True)
    column = names.get("user", "user")
    if column not in table.column_names:
        return ("",) * len(found)
    users: NDArray[Any] = table[column].cast(pa.string()).fill_null("").to_numpy(zero_copy_only=False)
    return tuple(users[first].tolist())


def moment(text: str) -> int:
    """Unix seconds of a date or an ISO time, which is in UTC where it does not say.

    Raises:
        ValueError: It is none.
    """
    time = datetime.fromisoformat(text)
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())


def _date(moment_s: int) -> str:
    return datetime.fromtimestamp(moment_s, UTC).isoformat(sep=" ", timespec="seconds")
