"""What was searched for, what came of it, and what it was searched in."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from ensemble.index import Follower, Hits, Index, IndexSource
from ensemble.index.passing import Passing
from ensemble.index.stepping import Said
from ensemble.measuring import families
from ensemble.measuring.board import Board, Series
from ensemble.measuring.families import BATCH, SEARCHES, SELECTIVITY, Family
from ensemble.measuring.meter import Meter
from ensemble.measuring.writes import TROUBLES, outcome_of

if TYPE_CHECKING:
    from ensemble.retrieval import Plan, Retrieval

log = logging.getLogger(__name__)

KINDS = {"TEXT_VECTOR": "text", "IMAGE_VECTOR": "photo", "TEXT_VECTOR, IMAGE_VECTOR": "both"}
RESULTS = ("full", "fewer", "none", *TROUBLES)
_ITEM_BYTES = 2


class SearchMeter:
    """Counts rows by kind and result, and how much of the index their filters let pass.

    The share is known where filters are evaluated in main memory. A GPU never counts it, nor does Milvus tell it.

    Args:
        source: Where the index is.
        board: Where to.
    """

    def __init__(self, source: IndexSource, board: Board) -> None:
        self._source, self._board, self._troubled = source, board, False
        self._live, self._engine = 0, engine_of(source)
        self._begin()

    def searched(self, plans: Sequence[Plan | Exception], hits: Sequence[Sequence[Hits] | Exception]) -> None:
        """Count the requests of one search; a mistake here is logged once, and harms no request.

        Args:
            plans: What each asked for, or why it could not be searched.
            hits: What was found for each of its rows, or why nothing was.
        """
        try:
            self._count(plans, hits)
        except Exception:
            if not self._troubled:
                log.exception("a search cannot be counted; going on")
            self._troubled = True

    def look(self, board: Board) -> None:
        """Put on a board what the index is now."""
        engine = engine_of(self._source)
        if engine != self._engine:
            self._engine = engine
            self._begin()
        gauges = gauges_of(self._source)
        self._live = int(gauges.get(families.LIVE, 0))
        board.set(gauges)

    def _begin(self) -> None:
        """Show every count of an engine from zero on: Prometheus sees no rise in a series that begins with it."""
        known = [*product(KINDS.values(), ("yes", "no"), RESULTS), *product(("unknown",), ("unknown",), TROUBLES)]
        self._board.add({self._series(*each): 0.0 for each in known})

    def _count(self, plans: Sequence[Plan | Exception], hits: Sequence[Sequence[Hits] | Exception]) -> None:
        rows, shares = Counter[tuple[str, str, str]](), list[float]()
        for plan, found in zip(plans, hits, strict=True):
            if isinstance(plan, Exception):
                rows["unknown", "unknown", outcome_of(plan)] += 1
                continue
            asked = plan.asked
            kind = KINDS.get(asked.vectors, "unknown")
            for row, (text, wanted) in enumerate(zip(asked.filters, asked.counts, strict=True)):
                result = outcome_of(found) if isinstance(found, Exception) else result_of(found[row], wanted)
                rows[kind, "yes" if text else "no", result] += 1
                passing = passing_of(plan.passing[row]) if text else None
                if passing is not None and self._live:
                    shares.append(min(1.0, passing / self._live))
        self._board.add({self._series(*each): float(count) for each, count in rows.items()})
        self._board.observe(BATCH, [sum(rows.values())])
        if shares:
            self._board.observe(SELECTIVITY, shares)

    def _series(self, kind: str, filtered: str, result: str) -> Series:
        labels = (("engine", self._engine), ("filtered", filtered), ("kind", kind), ("result", result))
        return Series(SEARCHES, labels)


def measure_retrieval(pb_utils: Any, args: Mapping[str, str], retrieval: Retrieval) -> Meter:
    """Have a retrieval count its searches, and Triton told of them and of the index.

    Args:
        pb_utils: Triton's module.
        args: What Triton hands to ``initialize``.
        retrieval: Whose searches.
    """
    board = Board()
    retrieval.meter = SearchMeter(retrieval.source, board)
    return Meter(pb_utils, args, board=board, look=retrieval.meter.look, histograms=(BATCH, SELECTIVITY))


def engine_of(source: IndexSource) -> str:
    """``gpu``, ``cpu``, or ``milvus``."""
    index = source.index
    if index.on_gpu:
        return "gpu"
    return "cpu" if isinstance(index, Index) else "milvus"


def gauges_of(source: IndexSource) -> dict[Family, float]:
    """What an index is now; of one that lies elsewhere only how far it has come."""
    index = source.index
    trouble = source.trouble is not None
    gauges = {families.TROUBLE: float(trouble), families.ON_GPU: float(index.on_gpu)}
    if isinstance(index, Index) or not trouble:
        gauges[families.APPLIED] = float(index.seq)
    if isinstance(source, Follower):
        gauges[families.BEHIND] = source.behind_s
    if isinstance(index, Index):
        gauges[families.LIVE], gauges[families.DEAD] = float(index.live), float(index.dead)
        gauges[families.UNEMBEDDED] = float(index.unembedded)
        gauges[families.ROW_BYTES] = float(len(index.slots) * index.slots.row_dim * _ITEM_BYTES)
    return gauges


def result_of(hits: Hits, wanted: int) -> str:
    """``full``: as many as were wanted; ``fewer``; ``none``."""
    found = len(hits.slots)
    return "full" if found >= wanted else "fewer" if found else "none"


def passing_of(passing: Any) -> int | None:
    """How many rows pass a filter; None where nobody counted."""
    meaning = passing.meaning if isinstance(passing, Said) else passing
    return meaning.count if isinstance(meaning, Passing) else None
