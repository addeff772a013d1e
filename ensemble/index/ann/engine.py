"""The CPU engine: looks where better rows may be, and scores what it finds exactly."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import faiss
import numpy as np

from ensemble.errors import DamagedRelease
from ensemble.index.ann.best import Best
from ensemble.index.ann.kernels import bits
from ensemble.index.ann.sources import Coded, Filtered, Source
from ensemble.index.ann.structure import Floats, Numbers, Structure
from ensemble.index.ann.tuned import Tuned
from ensemble.index.engine import Hits
from ensemble.index.passing import Passing
from ensemble.index.slots import Slots

# Crossovers measured at 384 dimensions. So few rows are scored sooner than lists are chosen; more of shorter ones ...
DIRECT_ROWS, DIRECT_DIM = 6_000, 384
# ... so few for each hit that is wanted, too; and rows that are fewer than this share are found by their filter.
DIRECT_FACTOR = 4
CODED_SHARE = 1 / 16
# The first look gives lists this share of the margin, and goes into as many as hold so many rows a hit that is wanted.
FIRST_MARGIN = 0.5
FIRST_ROWS = 15
MOST_THREADS = 8
# A query that looks at every row is shared among the threads in parts of so many, some 3 ms each.
PART_ROWS = 32_768


class AnnEngine:
    """Finds nearly all of the best rows in a small part of the time that looking at every row takes.

    A first look into the most promising lists gives a score to beat; a second goes wherever a row may beat it. Scores
    are exact, and as many hits are given as are wanted or pass.

    Args:
        slots: The index.
        structure: Lists that hold its slots, or the first of them.
        tuned: How far to look.
        direct_rows: So few rows that pass are all scored; None for as many as are worth it at their length.

    Raises:
        ValueError: The lists hold more slots than there are.
    """

    def __init__(self, slots: Slots, structure: Structure, tuned: Tuned, *, direct_rows: int | None = None) -> None:
        if len(structure) > len(slots):
            raise ValueError(f"lists of {len(structure)} slots do not belong to an index of {len(slots)}")
        self._slots, self._structure, self._tuned = slots, structure, tuned
        worth = DIRECT_ROWS * max(1, DIRECT_DIM // slots.row_dim)
        self._direct_rows = worth if direct_rows is None else direct_rows
        self._rows = bits(slots.base)
        self._local = threading.local()
        self.added(len(structure))

    @classmethod
    def open(cls, slots: Slots, folder: Path) -> AnnEngine:
        """The engine that ``build`` wrote beside a snapshot.

        Raises:
            DamagedRelease: A file cannot be read, or is not of these slots.
        """
        try:
            return cls(slots, Structure.load(folder), Tuned.load(folder))
        except (OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
            raise DamagedRelease(f"{folder}: the lists of the index cannot be used: {error}") from error

    def added(self, first: int) -> None:
        """See ``Engine.added``."""
        new = np.arange(max(first, len(self._structure)), len(self._slots))
        if len(new):
            self._one_thread()
            self._structure.add(self._slots.rows(new).astype(np.float32))

    def search(
        self,
        queries: Floats,
        counts: Sequence[int],
        passing: Sequence[Passing],
        boosts: Sequence[Floats | None] | None = None,
    ) -> list[Hits]:
        """See ``Engine.search``."""
        queries = np.ascontiguousarray(queries, np.float32)
        given = [None] * len(queries) if boosts is None else boosts
        if len(queries) == 1 and given[0] is None:
            return [self._search(queries[0], counts[0], passing[0]).hits()]
        looks = [self._looks(*one) for one in zip(queries, counts, passing, given, strict=True)]
        return [
            Best.joined([look.result() for look in of_one], count) for of_one, count in zip(looks, counts, strict=True)
        ]

    def _looks(self, query: Floats, count: int, passing: Passing, boost: Floats | None) -> list[Future[Best]]:
        """What is done for one query of several, or for one with a boost.

        Lists are of rows that are alike, which says nothing about a boost: all rows that pass are scored.
        """
        if boost is None:
            return [self._threads.submit(self._search, query, count, passing)]
        wanted, parts = min(count, passing.count), max(1, passing.count // PART_ROWS)
        return [
            self._threads.submit(self._scored, query, wanted, slots, boost)
            for slots in np.array_split(passing.slots, parts)
        ]

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1), "ann")

    def _search(self, query: Floats, count: int, passing: Passing) -> Best:
        wanted = min(count, passing.count)
        best = Best(self._rows, self._slots.tail, query, wanted)
        if passing.count > max(self._direct_rows, DIRECT_FACTOR * wanted):
            self._one_thread()
            self._look(best, query, wanted, passing)
            if best.is_full:
                return best
            best = Best(self._rows, self._slots.tail, query, wanted)
        best.take(passing.slots)
        return best

    def _scored(self, query: Floats, wanted: int, slots: Numbers, boost: Floats) -> Best:
        best = Best(self._rows, self._slots.tail, query, wanted, boost)
        best.take(slots)
        return best

    def _look(self, best: Best, query: Floats, wanted: int, passing: Passing) -> None:
        rate, lists = passing.count / len(self._slots), self._structure.list_count
        margin = np.float32(self._tuned.margin(rate))
        source = self._source(query, wanted, passing, rate)
        scores, reach = self._structure.scores(query)
        if scores.max() <= 0:  # "less like this" and nothing else: the best rows are where no list is
            best.take(passing.slots)
            return
        few = min(lists, 1 + FIRST_ROWS * wanted * lists // passing.count)
        first = np.argpartition(scores + FIRST_MARGIN * margin * reach, -few)[-few:]
        best.take(source.rows(first))
        promising = scores + margin * reach >= best.worst
        promising[first] = False
        rest = np.flatnonzero(promising)
        if len(rest):
            best.take(source.rows(rest))

    def _source(self, query: Floats, wanted: int, passing: Passing, rate: float) -> Source:
        if rate <= CODED_SHARE:
            return Filtered(self._structure, passing)
        return Coded(self._structure, query, passing, self._tuned.candidate_count(wanted))

    def _one_thread(self) -> None:
        """FAISS counts its threads for each thread that calls it; more than one only cost one query time."""
        if not getattr(self._local, "is_set", False):
            faiss.omp_set_num_threads(1)
            self._local.is_set = True
