"""What became of each request: one row a request, in columns.

Rows are kept as they are, not in buckets: percentiles are exact, and parts of several processes are merged by putting
them one after the other. A million requests take 30 MB.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

OK = "ok"
CUT_OFF = "cut off"
"""Outcome of a request that had no answer when the load was stopped: neither done nor failed."""


@dataclass(frozen=True)
class Records:
    """Requests.

    Args:
        due_s: ``(n,)`` float64, when each was to start, in seconds from the start.
        late_ms: ``(n,)`` float32, how much later it was sent.
        latency_ms: ``(n,)`` float32, from the time it was **due** to its answer, or failure.
        number: ``(n,)`` int32, which request of the traffic.
        kind: ``(n,)`` int16, place in ``kinds``.
        outcome: ``(n,)`` int16, place in ``outcomes``.
        release: ``(n,)`` int32, the release that answered; 0 where none is known.
        asked: ``(n,)`` int16, rows whose right product is known.
        found: ``(n,)`` int16, how many of these have it.
        sent_again: ``(n,)`` int16, how often it was sent once more, because the server could not answer.
        kinds: Names of the kinds.
        outcomes: `OK`, `CUT_OFF`, and names of errors.
    """

    due_s: NDArray[np.float64]
    late_ms: NDArray[np.float32]
    latency_ms: NDArray[np.float32]
    number: NDArray[np.int32]
    kind: NDArray[np.int16]
    outcome: NDArray[np.int16]
    release: NDArray[np.int32]
    asked: NDArray[np.int16]
    found: NDArray[np.int16]
    sent_again: NDArray[np.int16]
    kinds: tuple[str, ...]
    outcomes: tuple[str, ...] = (OK, CUT_OFF)

    def __post_init__(self) -> None:
        for name in COLUMNS:
            if len(getattr(self, name)) != len(self.due_s):
                raise ValueError(f"`{name}` has {len(getattr(self, name))} rows, `due_s` {len(self.due_s)}")

    def __len__(self) -> int:
        """How many requests there are."""
        return len(self.due_s)

    def where(self, mask: NDArray[np.bool_]) -> Records:
        """Some of the requests."""
        columns = {name: getattr(self, name)[mask] for name in COLUMNS}
        return Records(**columns, kinds=self.kinds, outcomes=self.outcomes)

    def is_outcome(self, name: str) -> NDArray[np.bool_]:
        """Which requests ended so."""
        place = self.outcomes.index(name) if name in self.outcomes else -1
        return np.asarray(self.outcome == place)

    def save(self, path: Path) -> None:
        """Write them to a file, whole or not at all."""
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            np.savez(file, kinds=self.kinds, outcomes=self.outcomes, **{name: getattr(self, name) for name in COLUMNS})
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> Records:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            columns: dict[str, Any] = {name: file[name] for name in COLUMNS}
            return cls(**columns, kinds=tuple(file["kinds"].tolist()), outcomes=tuple(file["outcomes"].tolist()))


COLUMNS = tuple(field.name for field in fields(Records) if field.name not in {"kinds", "outcomes"})


def empty(count: int, kinds: Sequence[str]) -> Records:
    """Rows to be filled in; until then each is cut off."""
    types = {"due_s": np.float64, "late_ms": np.float32, "latency_ms": np.float32, "number": np.int32}
    types |= {"release": np.int32}
    columns: dict[str, Any] = {name: np.zeros(count, types.get(name, np.int16)) for name in COLUMNS}
    columns["outcome"][:] = 1
    return Records(**columns, kinds=tuple(kinds))


def merge(parts: Sequence[Records]) -> Records:
    """All requests of some parts, in the order that they were due. Parts may know of different errors."""
    kinds = tuple(dict.fromkeys(name for part in parts for name in part.kinds))
    outcomes = tuple(dict.fromkeys(name for part in parts for name in (OK, CUT_OFF, *part.outcomes)))
    columns: dict[str, Any] = {}
    for name in COLUMNS:
        columns[name] = np.concatenate([getattr(part, name) for part in parts])
    columns["kind"] = np.concatenate(list(_moved(parts, "kind", kinds)))
    columns["outcome"] = np.concatenate(list(_moved(parts, "outcome", outcomes)))
    order = np.argsort(columns["due_s"], kind="stable")
    return Records(**{name: column[order] for name, column in columns.items()}, kinds=kinds, outcomes=outcomes)


def _moved(parts: Sequence[Records], column: str, names: tuple[str, ...]) -> Iterator[NDArray[np.int16]]:
    for part in parts:
        places = np.array([names.index(name) for name in getattr(part, f"{column}s")], np.int16)
        yield places[getattr(part, column)] if len(part) else np.empty(0, np.int16)
