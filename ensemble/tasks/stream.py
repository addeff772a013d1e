"""Candidates of one rule, the best first, as far as they have been asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.index import Hits
from ensemble.tasks.rounds import Search

Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]
Excluded = frozenset[int]

# So many candidates are looked at, at most, by rules that take turns, beside those that are left out at once; of each
# rule at least as many as products are wanted.
MOST_CANDIDATES = 1_000
GROWTH = 4
NONE = Hits(np.empty(0, np.int64), np.empty(0, np.float32))


@dataclass
class Stream:
    """Candidates that may be picked, by one rule.

    The best ``wanted`` of them are looked at, or all where there are fewer: however many the engine was asked for, so
    that an answer does not depend on it.

    Args:
        rule: As the answer tells it.
        query: ``(dim,)``, what the engine is asked with; None where all candidates are given.
        filter: What they must pass.
        ranked: Whether scores tell the better candidate; where not, as for popular products, they stay in their order.
        given_by: Gives all candidates, without those that are left out; where there is no query.
        most: How many are looked at, at most.
    """

    rule: str
    query: Floats | None = None
    filter: bytes = b""
    ranked: bool = True
    given_by: Callable[[], Hits] | None = None
    most: int = MOST_CANDIDATES

    def __post_init__(self) -> None:
        self.wanted, self._asked, self._ended = 0, 0, self.query is None
        self._known: Hits | None = None

    @classmethod
    def given(cls, rule: str, hits: Callable[[], Hits], excluded: Excluded, *, ranked: bool = True) -> Stream:
        """A stream whose candidates all come without a search.

        Args:
            rule: See the class.
            hits: Gives them, the best first; called once the stream's turn comes.
            excluded: Those that are left out.
            ranked: See the class.
        """
        return cls(rule, ranked=ranked, given_by=lambda: _without(hits(), excluded))

    @property
    def known(self) -> Hits:
        """The candidates that are known, without those that are left out."""
        if self._known is None:
            self._known = NONE if self.given_by is None else self.given_by()
        return self._known

    def __len__(self) -> int:
        """How many candidates are looked at."""
        return min(self.wanted, len(self.known.slots))

    @property
    def slots(self) -> Numbers:
        """``(candidates,)``: those that are looked at, the best first."""
        return self.known.slots[: self.wanted]

    @property
    def scores(self) -> Floats:
        """``(candidates,)``: of each."""
        return self.known.scores[: self.wanted]

    @property
    def is_short(self) -> bool:
        """Whether the engine must be asked for more."""
        return not self._ended and len(self.known.slots) < self.wanted

    def widen(self, count: int) -> bool:
        """Look at ``count`` candidates, or, where as many were looked at, at more; whether there may be more."""
        before = self.wanted
        self.wanted = min(max(count, GROWTH * before), self.most)
        # Before anything was looked at nothing is asked for either: the stream's turn may never come.
        return self.wanted > before and (not before or not self._ended or len(self.known.slots) > before)

    def search(self, excluded: Excluded) -> Search:
        """What to ask the engine: at first some more than are wanted, then more, up to all that are left out."""
        if self.query is None:
            raise ValueError(f"{self.rule}: all candidates are given")
        spare = min(len(excluded), max(self.wanted, GROWTH * self._asked))
        self._asked = max(self.wanted + spare, self._asked + 1)
        return Search(self.query, self._asked, self.filter)

    def take(self, hits: Hits, excluded: Excluded) -> None:
        """Take what the engine found: what it found before keeps its place, should lists of near rows find better."""
        self._ended = len(hits.slots) < self._asked
        new = _without(hits, excluded | frozenset(self.known.slots.tolist()))
        self._known = Hits(
            np.concatenate([self.known.slots, new.slots]), np.concatenate([self.known.scores, new.scores])
        )


def share_of(k: int, streams: int) -> int:
    """How many candidates of each of some streams that take turns are looked at, at most, for ``k`` products."""
    return max(k, MOST_CANDIDATES // streams)


def _without(hits: Hits, excluded: Excluded) -> Hits:
    slots = hits.slots.tolist()
    if excluded.isdisjoint(slots):
        return hits
    kept = [slot not in excluded for slot in slots]
    return Hits(hits.slots[kept], hits.scores[kept])
