"""The requests of one load test: made beforehand, drawn by popularity."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from loadtest.errors import BadTraffic
from loadtest.traffic.asked import Asked, Material
from loadtest.traffic.filters import draw_filters
from loadtest.traffic.kinds import KINDS
from loadtest.traffic.mix import Mix, Part, read_mix
from loadtest.traffic.photos import painted, read_pictures
from loadtest.traffic.popularity import Numbers, draw, shuffled
from loadtest.traffic.shop import Product, read_catalogue
from loadtest.traffic.texts import Told, built_in, read_queries, titles

T = TypeVar("T")


@dataclass(frozen=True)
class Traffic:
    """What is sent: a mix, and what its requests are made of.

    Requests are numbered: those of the first part of the mix, then those of the second, the writes last.

    >>> traffic = Traffic.read(Path("loadtest/mixes/shop.toml"))                        # doctest: +SKIP
    >>> requests = [traffic.make(number) for number in traffic.draw(100, seed=1)]       # doctest: +SKIP

    Args:
        mix: What is sent, and how much of it.
        material: What requests are made of.

    Raises:
        BadTraffic: A kind of the mix needs what the material lacks.
    """

    mix: Mix
    material: Material

    def __post_init__(self) -> None:
        for part in (*self.mix.parts, *self.mix.writes):
            if lacks := [name for name in KINDS[part.kind].needs if not getattr(self.material, name)]:
                raise BadTraffic(f"kinds.{part.kind}: has no {', '.join(lacks)}; name a catalogue in [files]")

    @classmethod
    def read(cls, path: Path | None = None, **changed: object) -> Traffic:
        """The traffic of a mix file.

        Args:
            path: The file; by default the package's own ``shop.toml``.
            **changed: Fields of `Mix` that take the place of the file's.

        Raises:
            BadTraffic: The file, or one that it names, cannot be used.
        """
        mix = read_mix() if path is None else read_mix(path)
        return cls.of(replace(mix, **changed))  # type: ignore[arg-type]

    @classmethod
    def of(cls, mix: Mix) -> Traffic:
        """The traffic of a mix, with all files that it names.

        Raises:
            BadTraffic: One of them cannot be used.
        """
        kinds = {part.kind for part in (*mix.parts, *mix.writes)}
        products = () if mix.catalogue is None else read_catalogue(mix.catalogue)
        material = Material(
            texts=_shuffled(_texts(mix, products), mix.seed),
            titles=_shuffled(titles(products), mix.seed + 1),
            pictures=() if not _need(kinds, "pictures") else _pictures(mix),
            products=_shuffled(products, mix.seed + 2),
            filters=draw_filters(products, mix.seed) if products and _need(kinds, "filters") else (),
            folder=Path() if mix.catalogue is None else mix.catalogue.parent,
            ranks=mix.ranks,
            now=int(time.time()),
        )
        return cls(mix, material)

    @cached_property
    def _places(self) -> list[tuple[int, Part]]:
        """Number of the first request of each part."""
        places, first = [], 0
        for part in (*self.mix.parts, *self.mix.writes):
            places.append((first, part))
            first += part.distinct
        return places

    def __len__(self) -> int:
        """How many different requests there are."""
        first, last = self._places[-1]
        return first + last.distinct

    def make(self, number: int) -> Asked:
        """Request number ``number``; the same number always gives the same.

        Raises:
            BadTraffic: It cannot be made.
        """
        first, part = next(place for place in reversed(self._places) if place[0] <= number)
        numbers = [(number - first) * part.rows + row for row in range(part.rows)]
        return KINDS[part.kind].make(self.material, numbers, part.k)

    def draw(self, count: int, seed: int) -> Numbers:
        """The numbers of ``count`` searches, in the order that they are sent."""
        return self._draw(count, len(self.mix.parts), 0, seed)

    def draw_writes(self, count: int, seed: int) -> Numbers:
        """The numbers of ``count`` writes, in the order that they are sent."""
        return self._draw(count, len(self.mix.writes), len(self.mix.parts), seed)

    def _draw(self, count: int, parts: int, skipped: int, seed: int) -> Numbers:
        generator = np.random.default_rng((self.mix.seed, seed, skipped))
        places = self._places[skipped : skipped + parts]
        weights = np.array([part.weight for _, part in places])
        chosen = generator.choice(len(places), count, p=weights / weights.sum()) if places else np.empty(0, np.int64)
        numbers = np.zeros(len(chosen), np.int64)
        for place, (first, part) in enumerate(places):
            mine = chosen == place
            numbers[mine] = first + draw(part.zipf, part.distinct, int(mine.sum()), generator)
        return numbers


def _need(kinds: set[str], what: str) -> bool:
    return any(what in KINDS[kind].needs for kind in kinds)


def _texts(mix: Mix, products: tuple[Product, ...]) -> tuple[Told, ...]:
    if mix.queries is not None:
        return read_queries(mix.queries)
    return _parts_of(products, mix.seed) if products else built_in()


def _parts_of(products: Sequence[Product], seed: int) -> tuple[Told, ...]:
    """Two to four words of each title that stand together, as a shopper may type them; each text once."""
    source = random.Random(seed)  # noqa: S311 - the same texts every time
    texts: dict[str, None] = {}
    for product in products:
        words = product.title.split()
        length = min(len(words), source.randint(2, 4))
        first = source.randint(0, len(words) - length)
        texts[" ".join(words[first : first + length])] = None
    return tuple(map(Told, filter(None, texts)))


def _pictures(mix: Mix) -> tuple[Image.Image, ...]:
    return painted() if mix.pictures is None else read_pictures(mix.pictures)


def _shuffled(items: tuple[T, ...], seed: int) -> tuple[T, ...]:
    return tuple(items[place] for place in shuffled(len(items), seed))
