"""From requests to products: waits until the index is fresh enough, filters, and searches one state of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from ensemble.arrays import joined, to_host
from ensemble.errors import BadQueries, Behind, InvalidInput, Unavailable
from ensemble.found import Found
from ensemble.index import Hits, IndexSource, State
from ensemble.measuring.searches import SearchMeter
from ensemble.query import VECTORS, Asked, Tensors, query_rows
from ensemble.settings import SpaceSettings

__all__ = ["Answered", "Retrieval", "query_rows"]

log = logging.getLogger(__name__)

MAX_WAIT_S = 2.0
# All searches of a batch, and those behind it, wait with the one that asks for a number: where a wait was in vain and
# the index has not moved since, as while a database stands still, the next is this short.
STUCK_WAIT_S = 0.05

Answered = Found | Exception
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Plan:
    """A request that can be searched.

    Args:
        asked: Its rows.
        passing: For each row the products that pass its filter, in the state that is searched.
        boosts: For each row what its business score adds to the similarity, in that state.
    """

    asked: Asked
    passing: list[Any]
    boosts: list[Any]

    @classmethod
    def of(cls, asked: Asked, state: State) -> Plan:
        """Evaluate the filters and the business scores of a request.

        Raises:
            InvalidInput: One cannot be compiled; names the row.
        """
        return cls(asked, _evaluated(state.passing, asked.filters), _evaluated(state.boost, asked.ranks))


class Retrieval:
    """Answers queries over one index.

    Args:
        source: Tells which index to search, and follows the catalogue where it is one that does.
        space: Limits, dimensions and weights.
        max_wait_s: The longest that ``MIN_SEQ`` is waited for, in seconds.

    Attributes:
        meter: Counts searches, where they are to be counted.
    """

    def __init__(self, source: IndexSource, space: SpaceSettings, *, max_wait_s: float = MAX_WAIT_S) -> None:
        self.source, self.space, self._max_wait_s = source, space, max_wait_s
        self.meter: SearchMeter | None = None
        self._stuck_at: int | None = None

    def answer(self, requests: Sequence[Tensors], *, documents: Sequence[bool] | None = None) -> list[Answered]:
        """Answer requests by their tensors in one search, over one state of the index.

        Args:
            requests: For each its inputs as in docs/design.md; the optional ones may be absent.
            documents: For each whether the products are wanted, not only their ids; None for all.

        Returns:
            For each what was found, or why it was refused.
        """
        kept = VECTORS if self.source.index.on_gpu else ()
        asked = [_result(self._asked, request, kept) for request in requests]
        waited_s = self._wait(max((one.min_seq for one in asked if isinstance(one, Asked)), default=0))
        wanted = [True] * len(asked) if documents is None else documents
        with self.source.index.reading() as state:
            planned = [self._planned(one, state, waited_s) for one in asked]
            hits = _searched(planned, state)
            if self.meter is not None:
                self.meter.searched(planned, hits)
            return [
                one if isinstance(one, Exception) else Found.of(one, state, documents=full)
                for one, full in zip(hits, wanted, strict=True)
            ]

    def _asked(self, request: Tensors, kept: Sequence[str]) -> Asked:
        """Read a request; all but what is kept where it lies is taken to main memory."""
        here = {name: tensor if name in kept else to_host(tensor) for name, tensor in request.items()}
        return Asked.of(here, self.space)

    def _wait(self, min_seq: int) -> float:
        """Let the index come to a sequence number; the seconds that it took."""
        seq = self.source.index.seq
        if min_seq <= seq:
            return 0.0
        begun = time.monotonic()
        longest_s = min(self._max_wait_s, STUCK_WAIT_S) if seq == self._stuck_at else self._max_wait_s
        self._stuck_at = None if self.source.catch_up(min_seq, longest_s) else self.source.index.seq
        return time.monotonic() - begun

    def _planned(self, asked: Asked | Exception, state: State, waited_s: float) -> Plan | Exception:
        if isinstance(asked, Exception):
            return asked
        if asked.min_seq > state.seq:
            return Behind(
                f"MIN_SEQ: {asked.min_seq} is wanted, this replica has applied {state.seq} after {waited_s:.1f} s; "
                f"{self._why_behind()}"
            )
        return _result(Plan.of, asked, state)

    def _why_behind(self) -> str:
        if self.source.trouble is not None:
            return "the catalogue cannot be followed at the moment, so ask again later"
        return "ask again, with a number that a write was acknowledged with"


def _evaluated(evaluate: Callable[[bytes], Any], texts: Sequence[bytes]) -> list[Any]:
    """What the text of each row comes to; an error names the row."""
    values = []
    for row, text in enumerate(texts):
        try:
            values.append(evaluate(text))
        except InvalidInput as error:
            raise error.at(row, of=len(texts)) from None
    return values


def _searched(planned: Sequence[Plan | Exception], state: State) -> list[list[Hits] | Exception]:
    """The hits of each request, found in one search; each by itself where that fails.

    Vectors that lie on a GPU are looked at there, by the search: the requests with bad ones are refused, and the others
    are searched again.
    """
    plans = [plan for plan in planned if isinstance(plan, Plan)]
    try:
        found = iter(_search(plans, state))
    except BadQueries as error:
        good = _refused(planned, error)
    except Exception as error:
        if len(plans) > 1:
            if not isinstance(error, InvalidInput | Unavailable):
                log.exception("a search for %d requests failed together; each is tried alone", len(plans))
            return [hits for plan in planned for hits in _searched([plan], state)]
        return [error if isinstance(plan, Plan) else plan for plan in planned]
    else:
        return [plan if isinstance(plan, Exception) else [next(found) for _ in plan.passing] for plan in planned]
    return _searched(good, state)


def _refused(planned: Sequence[Plan | Exception], error: BadQueries) -> list[Plan | Exception]:
    """Refuse the requests whose queries are bad, by the names of their inputs."""
    bad, start, left = set(error.rows), 0, list(planned)
    for number, plan in enumerate(planned):
        if isinstance(plan, Plan):
            rows = [row for row in range(len(plan.passing)) if start + row in bad]
            start += len(plan.passing)
            if rows:
                left[number] = InvalidInput(plan.asked.vectors, error.problem).at(rows[0], of=len(plan.passing))
    return left


def _search(plans: Sequence[Plan], state: State) -> list[Hits]:
    if not plans:
        return []
    rows = joined([plan.asked.rows for plan in plans])
    counts = [count for plan in plans for count in plan.asked.counts]
    passing = [one for plan in plans for one in plan.passing]
    return state.search(rows, counts, passing, [one for plan in plans for one in plan.boosts])


def _result(
    make: Callable[Arguments, Result], *arguments: Arguments.args, **more: Arguments.kwargs
) -> Result | Exception:
    """What a call gives, or why it failed: each request of a batch succeeds or fails alone."""
    try:
        return make(*arguments, **more)
    except Exception as error:
        return error
