"""Answers many rows side by side: all that they search for at one time is one search of the engine.

A row is a generator: it yields what it wants to have searched, is sent what was found, and returns its answer. Rows
that need a second look, as where rules leave products out, ask again in the next round.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import InvalidInput, Unavailable
from ensemble.index import Hits, State

log = logging.getLogger(__name__)

Result = TypeVar("Result")


@dataclass(frozen=True)
class Search:
    """A search that a row needs.

    Args:
        query: ``(dim,)`` float32, of unit length.
        count: How many products.
        filter: What they must pass; empty for all.
    """

    query: NDArray[np.float32] = field(compare=False)
    count: int
    filter: bytes


Searching: TypeAlias = Generator[Sequence[Search], list[Hits], Result]


def answered(rows: Sequence[Searching[Result]], state: State) -> list[Result | Exception]:
    """Run rows to their ends.

    Args:
        rows: Each as it was made, before its first step.
        state: What is searched.

    Returns:
        Of each its answer, or why it failed: each fails alone.
    """
    results: dict[int, Result | Exception] = {}
    sent: dict[int, list[Hits] | None] = dict.fromkeys(range(len(rows)))
    while sent:
        wanted: dict[int, tuple[Sequence[Search], list[Any]]] = {}
        for number, hits in sent.items():
            try:
                searches = next(rows[number]) if hits is None else rows[number].send(hits)
                wanted[number] = searches, [state.passing(one.filter) for one in searches]
            except StopIteration as end:
                results[number] = end.value
            except Exception as error:
                results[number] = error
        sent = {}
        for number, found in _found(wanted, state).items():
            if isinstance(found, Exception):
                results[number] = found
            else:
                sent[number] = found
    return [results[number] for number in range(len(rows))]


def _found(wanted: dict[int, tuple[Sequence[Search], list[Any]]], state: State) -> dict[int, list[Hits] | Exception]:
    """What each row is sent, found in one search; each by itself where that fails."""
    try:
        hits = iter(_hits(wanted, state))
        return {number: [next(hits) for _ in searches] for number, (searches, _) in wanted.items()}
    except Exception as error:
        if len(wanted) == 1:
            return dict.fromkeys(wanted, error)
        if not isinstance(error, InvalidInput | Unavailable):
            log.exception("a search for %d recommendations failed together; each is tried alone", len(wanted))
    found: dict[int, list[Hits] | Exception] = {}
    for number, one in wanted.items():
        found |= _found({number: one}, state)
    return found


def _hits(wanted: dict[int, tuple[Sequence[Search], list[Any]]], state: State) -> list[Hits]:
    searches = [one for each, _ in wanted.values() for one in each]
    if not searches:
        return []
    passing = [one for _, each in wanted.values() for one in each]
    return state.search(np.stack([one.query for one in searches]), [one.count for one in searches], passing)
