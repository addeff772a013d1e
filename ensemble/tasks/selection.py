"""Picks products out of streams of candidates by the rules of a profile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.tasks.asked import Asked
from ensemble.tasks.looked import Looked
from ensemble.tasks.rounds import Searching
from ensemble.tasks.stream import Excluded, Stream, share_of
from ensemble.tasks.taste import Taste
from ensemble.tasks.view import Value, View, upper

Floats = NDArray[np.float32]
Group = tuple[str, Hashable]
# A group of products, and the most of them that are allowed.
Capped = tuple[Group, int]

# With diversity so many candidates are weighed against each other for each product that is wanted of a stream.
POOL_FACTOR = 5
LEAST_POOL = 20


@dataclass(frozen=True)
class Pick:
    """A product of the answer.

    Args:
        slot: Where it is.
        score: By its rule.
        rule: Which one.
    """

    slot: int
    score: float
    rule: str


class Selection:
    """The products picked so far, and what they forbid.

    A candidate is picked at most once. It is left out for good where it was seen, is a variant of one that was picked
    or asked about, or where its category or its brand has as many as are allowed.

    Args:
        asked: The rules.
        taste: The products that it is about, which are left out, with their variants.
        view: The state of the index.
    """

    def __init__(self, asked: Asked, taste: Taste, view: View) -> None:
        self.asked, self._view = asked, view
        self.picks: list[Pick] = []
        self.excluded = _excluded(asked, taste, view)
        self._taken: set[int] = set()
        self._variants: set[Hashable] = {value for value in taste.variants if value is not None}
        self._counts: Counter[Group] = Counter()
        self._own = len(taste)
        self._kept = np.empty((len(taste) + asked.k, taste.vectors.shape[1]), np.float32)
        self._kept[: len(taste)] = taste.vectors

    @property
    def missing(self) -> int:
        """How many products are still wanted."""
        return self.asked.k - len(self.picks)

    def fill(self, streams: Sequence[Stream]) -> Searching[None]:
        """Pick from streams in turns, one product each, until there are enough or no more.

        A stream gives its best candidate that is not left out, or with diversity the one of the largest marginal
        relevance among those that are looked at (see ``Looked``). A stream that has none left is asked for more, up to
        its share of ``MOST_CANDIDATES``.
        """
        if not self.missing or not streams:
            return
        count = self._count(len(streams))
        for stream in streams:
            stream.most = share_of(self.asked.k, len(streams))
            stream.widen(count)
        yield from self._fetch(streams)
        compared = self.asked.profile.near_duplicates is not None
        turns = [Looked(stream, self._view, self.asked.diversity, compared=compared) for stream in streams]
        while turns and self.missing:
            going = []
            for looked in turns:
                if self.missing and (yield from self._turn(looked, count)):
                    going.append(looked)
            turns = going

    def _turn(self, looked: Looked, count: int) -> Searching[bool]:
        """Pick one product of a stream, asking for more candidates as long as there are; whether there was one."""
        while not self._picked(looked):
            if not looked.stream.widen(count):
                return False
            yield from self._fetch([looked.stream])
        return True

    def _fetch(self, streams: Sequence[Stream]) -> Searching[None]:
        while short := [stream for stream in streams if stream.is_short]:
            found = yield [stream.search(self.excluded) for stream in short]
            for stream, hits in zip(short, found, strict=True):
                stream.take(hits, self.excluded)

    def _count(self, streams: int) -> int:
        """How many candidates of each stream to look at first."""
        share = -(-self.missing // streams)
        if self.asked.diversity:
            return max(LEAST_POOL, POOL_FACTOR * share)
        profile = self.asked.profile
        ruled = profile.variants_by or profile.near_duplicates is not None
        return 2 * share if ruled or self.asked.per_category or self.asked.per_brand or streams > 1 else share

    def _picked(self, looked: Looked) -> bool:
        """Pick the best candidate of a stream that is not left out; whether there is one."""
        for place in looked.candidates(self._kept[self._own : self._own + len(self.picks)]):
            slot = looked.slots[place]
            variant = self._view.value(self.asked.profile.variants_by, slot)
            groups = self._groups(slot)
            if self._allows(slot, variant, groups) and not self._is_near(looked, place):
                self._pick(looked, place, variant, groups)
                return True
        return False

    def _allows(self, slot: int, variant: Value, groups: Sequence[Capped]) -> bool:
        full = any(self._counts[group] >= most for group, most in groups)
        return slot not in self._taken and variant not in self._variants and not full

    def _pick(self, looked: Looked, place: int, variant: Value, groups: Sequence[Capped]) -> None:
        slot, stream = looked.slots[place], looked.stream
        self._taken.add(slot)
        for group, _ in groups:
            self._counts[group] += 1
        if variant is not None:
            self._variants.add(variant)
        if len(looked.vectors):
            self._kept[self._own + len(self.picks)] = looked.vectors[place]
        self.picks.append(Pick(slot, float(stream.scores[place]), stream.rule))

    def _is_near(self, looked: Looked, place: int) -> bool:
        """Whether it is nearly the same as a product that was picked, or asked about."""
        most = self.asked.profile.near_duplicates
        kept = self._kept[: self._own + len(self.picks)]
        # The largest of some Python numbers: of so few, numpy takes several times as long.
        return most is not None and len(kept) > 0 and max((kept @ looked.vectors[place]).tolist()) > most

    def _groups(self, slot: int) -> list[Capped]:
        """Category and brand of a product where these are capped, and their caps."""
        asked, groups = self.asked, list[Capped]()
        category = self._view.category(slot) if asked.per_category else ""
        if category:
            groups.append((("category", upper(category, asked.profile.category_level)), asked.per_category))
        brand = self._view.value(asked.profile.brand, slot) if asked.per_brand else None
        if brand is not None:
            groups.append((("brand", brand), asked.per_brand))
        return groups


def _excluded(asked: Asked, taste: Taste, view: View) -> Excluded:
    """Slots of the products that were seen, or are asked about."""
    own = taste.slots.tolist()
    seen = view.find(asked.seen).tolist() if asked.seen else []
    return frozenset(slot for slot in (*own, *seen) if slot >= 0)
