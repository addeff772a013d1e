"""Puts the rows of a shard together: those that came from workers, and those that an earlier run made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from catalogue import BadRow
from export.bulk.planning import Plan
from export.bulk.shards import Refused, Shard
from export.bulk.vectors import Vectors


@dataclass
class Gathering:
    """A shard in the making.

    Args:
        plan: What it is to hold.
        contents: What its products were made of, by the place, as far as it is known.
        missing: Places that workers have not told of yet.
    """

    plan: Plan
    contents: dict[int, str]
    missing: set[int]
    _gone: set[int] = field(default_factory=set)
    _rows: dict[int, bytes] = field(default_factory=dict)
    _problems: dict[int, BadRow] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing

    def leave_out(self, place: int) -> None:
        """Go on without a product: it changed since it was read, and another run will see what it is now."""
        self.missing.discard(place)
        self._gone.add(place)

    def take(self, place: int, content: str, row: bytes, problem: str | None) -> None:
        """Note what a worker made of a product."""
        self.contents[place] = content
        self.missing.discard(place)
        if problem is None:
            self._rows[place] = row
        else:
            self._problems[place] = BadRow(**json.loads(problem))

    def shard(self, vectors: Vectors) -> Shard:
        """The shard, in the order of the catalogue.

        Args:
            vectors: Has the rows that no worker made.

        Raises:
            DamagedShard: A row of an earlier run cannot be read any more.
        """
        ids = [item.product.id for item in self.plan.items]
        kept = [at for at in range(len(ids)) if at not in self._gone and at not in self._problems]
        rows = np.zeros((len(kept), vectors.row_dim), np.float16)
        known = [number for number, at in enumerate(kept) if at not in self._rows]
        rows[known] = vectors.rows([self.contents[kept[number]] for number in known])
        for number, at in enumerate(kept):
            if at in self._rows:
                rows[number] = np.frombuffer(self._rows[at], "<f2")
        refused = [Refused(problem) for problem in self.plan.problems]
        refused += [Refused(one, ids[at], self.contents[at]) for at, one in sorted(self._problems.items())]
        contents = tuple(self.contents[at] for at in kept)
        return Shard(self.plan.number, tuple(ids[at] for at in kept), contents, rows, tuple(refused))


def finished(tables: Iterator[Any], gatherings: Sequence[Gathering]) -> Iterator[tuple[int, Gathering | None]]:
    """How many more products workers have embedded, with a shard whenever one is whole by it.

    Args:
        tables: What workers made.
        gatherings: Shards in the making.
    """
    by_number = {one.plan.number: one for one in gatherings}
    for table in tables:
        numbers = table["shard"].to_pylist()
        columns = [table[name].to_pylist() for name in ("place", "content", "row", "problem")]
        for number, *told in zip(numbers, *columns, strict=True):
            by_number[number].take(*told)
        yield len(numbers), None
        for number in dict.fromkeys(numbers):
            if by_number[number].whole:
                yield 0, by_number.pop(number)
