"""From requests to products: waits until the index is fresh enough, filters, and searches one state of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ensemble.arrays import joined, to_host
from ensemble.errors import BadQueries, InvalidInput, Unavailable
from ensemble.found import Found
from ensemble.index import Hits, IndexSource, State
from ensemble.measuring.searches import SearchMeter
from ensemble.query import VECTORS, Asked, Tensors, query_rows
from ensemble.settings import SpaceSettings
from ensemble.waiting import MAX_WAIT_S, Patience, result_of

__all__ = ["Answered", "Retrieval", "query_rows"]

log = logging.getLogger(__name__)

Answered = Found | Exception


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
        self.source, self.space = source, space
        self.meter: SearchMeter | None = None
        self._patience = Patience(source, max_wait_s=max_wait_s)

    def answer(self, requests: Sequence[Tensors], *, documents: Sequence[bool] | None = None) -> list[Answered]:
        """Answer requests by their tensors in one search, over one state of the index.

        Args:
            requests: For each its inputs as in docs/design.md; the optional ones may be absent.
            documents: For each whether the products are wanted, not only their ids; None for all.

        Returns:
            For each what was found, or why it was refused.
        """
        kept = VECTORS if self.source.index.on_gpu else ()
        asked = [result_of(self._asked, request, kept) for request in requests]
        waited_s = self._patience.wait(max((one.min_seq for one in asked if isinstance(one, Asked)), default=0))
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

    def _planned(self, asked: Asked | Exception, state: State, waited_s: float) -> Plan | Exception:
        if isinstance(asked, Exception):
            return asked
        if asked.min_seq > state.seq:
            return self._patience.behind(asked.min_seq, state.seq, waited_s)
        return result_of(Plan.of, asked, state)


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
