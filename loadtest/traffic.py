"""Which queries are sent: all different, or repeated as in a shop, where few queries make up much of the traffic."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from PIL import Image

from clients import Query
from loadtest.errors import BadTraffic
from loadtest.photos import vary

WEIGHTS = (0.5, 0.5)


@dataclass(frozen=True)
class Corpus:
    """What queries are made from. Every number stands for one query, and the same number always for the same.

    Args:
        texts: Texts; beyond their count a number is added to them.
        pictures: Base pictures of the photos.
    """

    texts: tuple[str, ...]
    pictures: tuple[Image.Image, ...]

    def text(self, number: int) -> str:
        """Text number ``number``; no two are equal."""
        again, place = divmod(number, len(self.texts))
        return self.texts[place] if again == 0 else f"{self.texts[place]} {again}"

    def photo(self, number: int) -> bytes:
        """Photo number ``number``, a JPEG; the first ``VARIANTS`` of each base picture have different pixels."""
        again, place = divmod(number, len(self.pictures))
        return vary(self.pictures[place], again)


def distinct(first: int) -> Iterator[int]:
    """Numbers that never repeat."""
    return itertools.count(first)


def zipf(exponent: float, count: int, seed: int) -> Iterator[int]:
    """Numbers below ``count``, the n-th of them in proportion to ``1 / n**exponent``.

    Raises:
        BadTraffic: ``exponent`` is not above 0, or ``count`` not at least 1.
    """
    if not exponent > 0 or count < 1:
        raise BadTraffic(f"--repeat {exponent}, --distinct {count}; allowed: an exponent above 0, at least 1 query")
    shares = list(itertools.accumulate(1 / rank**exponent for rank in range(1, count + 1)))
    source = random.Random(seed)  # noqa: S311 - the same traffic every time
    return (source.choices(range(count), cum_weights=shares)[0] for _ in itertools.count())


@dataclass
class Traffic:
    """The queries of one load test, shared by its users.

    Args:
        corpus: What they are made from.
        numbers: Which of them comes next.
        k: Products a query asks for.
    """

    corpus: Corpus
    numbers: Iterator[int]
    k: int = 10
    weights: tuple[float, float] = field(default=WEIGHTS)

    def by_text(self) -> Query:
        """The next query by text."""
        return Query(self.corpus.text(next(self.numbers)), k=self.k)

    def by_photo(self) -> Query:
        """The next query by photo."""
        return Query(image=self.corpus.photo(next(self.numbers)), k=self.k)

    def by_both(self) -> Query:
        """The next query by text and photo."""
        number = next(self.numbers)
        return Query(self.corpus.text(number), self.corpus.photo(number), self.weights, self.k)
