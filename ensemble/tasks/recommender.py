"""From requests to recommendations: for all requests of a batch together, over one state of the index."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ensemble.errors import Behind, DamagedRelease, InvalidInput
from ensemble.index import Index, IndexSource, Reading
from ensemble.query import Tensors
from ensemble.tasks.answering import Recommendation, recommend
from ensemble.tasks.asked import Asked
from ensemble.tasks.errors import BadProfiles
from ensemble.tasks.reading import Reader
from ensemble.tasks.recommended import Recommended
from ensemble.tasks.rounds import answered
from ensemble.tasks.shop import Shop
from ensemble.tasks.view import View
from ensemble.waiting import MAX_WAIT_S, Glance, Patience, result_of

log = logging.getLogger(__name__)

Answered = Recommended | Exception
Rows = list[Asked] | Exception


class Recommender:
    """Answers requests of all profiles of a release.

    Args:
        shop: What it knows beside the index.
        source: Tells which index to search; of vectors of ``shop.tower``, in this process.
        clock: Unix time, in seconds.
        max_wait_s: The longest that ``MIN_SEQ`` is waited for, in seconds.

    Raises:
        TypeError: The index does not lie in this process.
        DamagedRelease: The index is of another space.
    """

    def __init__(
        self,
        shop: Shop,
        source: IndexSource,
        *,
        clock: Callable[[], float] = time.time,
        max_wait_s: float = MAX_WAIT_S,
    ) -> None:
        self.shop, self.source, self._clock = shop, source, clock
        self._patience = Patience(source, max_wait_s=max_wait_s)
        self._glance = Glance(source)
        self._reader = Reader(shop.profiles, shop.tower, shop.space.row_dim)
        if self.index.space_id != shop.recommend.space_id or self.index.slots.row_dim != shop.recommend.dim:
            raise DamagedRelease(
                f"the index holds {self.index.slots.row_dim} numbers a product of space {self.index.space_id!r}; "
                f"the recommender has {shop.recommend.dim} of {shop.recommend.space_id!r}"
            )
        self._check_profiles()
        self.prepare()

    @property
    def index(self) -> Index:
        """The index to search now."""
        index = self.source.index
        if not isinstance(index, Index):
            raise TypeError(f"{type(index).__name__} does not lie in this process")
        return index

    def prepare(self) -> None:
        """Do ahead what the first request over a new index would wait for; nothing where it is done."""
        if self.shop.clusters is not None:
            self.shop.clusters.prepare(self.index.slots)

    def answer(self, requests: Sequence[Tensors], *, documents: Sequence[bool] | None = None) -> list[Answered]:
        """Answer requests by their tensors, over one state of the index.

        Args:
            requests: For each its inputs as in docs/tasks.md, each of which may be absent.
            documents: For each whether the products are wanted, not only their ids; None for all.

        Returns:
            For each what is recommended, or why it was refused.
        """
        now_s = self._clock()
        asked = [result_of(self._reader.read, request, now_s) for request in requests]
        waited_s = self._patience.wait(max((row.min_seq for row in _rows(asked)), default=0))
        if any(row.profile.task == "inspire" for row in _rows(asked)):
            self.prepare()
        wanted = [True] * len(asked) if documents is None else documents
        with self.index.reading() as state:
            view = View(state)
            if not any(_is_lost(row, view) for row in _rows(asked)):
                return self._answers(asked, view, waited_s, wanted)
        # A product that the index does not hold may be as new as that. One of several may as well be deleted.
        self._glance.wait()
        with self.index.reading() as state:
            return self._answers(asked, View(state), waited_s, wanted)

    def _check_profiles(self) -> None:
        """Say so where a profile will be refused: the catalogue may have changed since the release was made."""
        try:
            self.shop.profiles.check(self.index.slots.columns)
        except BadProfiles as error:
            log.warning("requests of some profiles will be refused: %s", error)

    def _answers(self, asked: Sequence[Rows], view: View, waited_s: float, wanted: Sequence[bool]) -> list[Answered]:
        """Answers from one state, which is open."""
        judged = [self._fresh(one, view.state, waited_s) for one in asked]
        given = iter(answered([recommend(row, self.shop, view) for row in _rows(judged)], view.state))
        return [
            rows
            if isinstance(rows, Exception)
            else result_of(_recommended, rows, [next(given) for _ in rows], view.state, documents=full)
            for rows, full in zip(judged, wanted, strict=True)
        ]

    def _fresh(self, rows: Rows, state: Reading, waited_s: float) -> Rows:
        if isinstance(rows, Exception):
            return rows
        min_seq = max((row.min_seq for row in rows), default=0)
        behind: Behind | None = self._patience.behind(min_seq, state.seq, waited_s) if min_seq > state.seq else None
        return behind or rows


def open_recommender(
    folder: Path,
    source: IndexSource,
    *,
    clock: Callable[[], float] = time.time,
    max_wait_s: float = MAX_WAIT_S,
) -> Recommender:
    """Open the recommender of a release.

    Args:
        folder: ``settings.json``, and as far as the release has them ``tasks.toml``, ``complements.json``,
            ``popular.json``, ``clusters.npy`` and the files of the product tower and of the complement head.
        source: Tells which index to search, of the vectors of that tower.
        clock: Unix time, in seconds.
        max_wait_s: The longest that ``MIN_SEQ`` is waited for, in seconds.

    Raises:
        DamagedRelease: A file cannot be used, or the index is of another space.
        BadProfiles: ``tasks.toml`` has mistakes; lists all.
        TypeError: The index does not lie in this process.
    """
    return Recommender(Shop.open(folder), source, clock=clock, max_wait_s=max_wait_s)


def _rows(asked: Iterable[Rows]) -> list[Asked]:
    return [row for rows in asked if not isinstance(rows, Exception) for row in rows]


def _is_lost(asked: Asked, view: View) -> bool:
    """Whether none of the products that a row is about is in the index."""
    return bool(asked.ids) and not (asked.weights[view.find(asked.ids) >= 0] > 0).any()


def _recommended(
    asked: Sequence[Asked], answers: Sequence[Recommendation | Exception], state: Reading, *, documents: bool
) -> Recommended:
    """The answer of a request, all of whose rows must have one."""
    good = []
    for row, answer in enumerate(answers):
        if isinstance(answer, InvalidInput):
            raise answer.at(row, of=len(answers))
        if isinstance(answer, Exception):
            raise answer
        good.append(answer)
    return Recommended.of(asked, good, state, documents=documents)
