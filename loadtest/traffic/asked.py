"""What requests are made of, and what one request is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from clients.tensors import Call, Outputs
from loadtest.answers import Row, Seen
from loadtest.traffic.filters import Expression
from loadtest.traffic.photos import vary
from loadtest.traffic.shop import Product
from loadtest.traffic.texts import Told

RANKS = ("similarity - 0.001 * fill(price, 0)", "similarity + 0.05 * available")
"""Business scores over what every catalogue has."""


@dataclass(frozen=True)
class Material:
    """What requests are made of.

    Args:
        texts: Texts of shoppers.
        titles: Titles of products, with the products that they mean.
        pictures: Base pictures of photos.
        products: The catalogue.
        filters: Filters that select some of it.
        folder: Where the catalogue's pictures are.
        ranks: Business scores.
        now: What the times of histories are counted back from, in Unix seconds.
    """

    texts: tuple[Told, ...]
    titles: tuple[Told, ...] = ()
    pictures: tuple[Image.Image, ...] = ()
    products: tuple[Product, ...] = ()
    filters: tuple[Expression, ...] = ()
    folder: Path = field(default_factory=Path)
    ranks: tuple[str, ...] = RANKS
    now: int = 0

    def product(self, number: int) -> Product:
        """Product number ``number``; beyond their count they come again."""
        return self.products[number % len(self.products)]

    def photo(self, number: int) -> bytes:
        """Photo number ``number``, a JPEG; see `loadtest.traffic.photos`."""
        again, place = divmod(number, len(self.pictures))
        return vary(self.pictures[place], again)


@dataclass(frozen=True)
class Asked:
    """One request and what is known of its answer.

    Args:
        kind: Name of its kind.
        call: The request.
        rows: What is known, a row each; of what is no write.
        written: Ids of the products that it writes.
    """

    kind: str
    call: Call[Any]
    rows: tuple[Row, ...] = ()
    written: tuple[str, ...] = ()


Judge = Callable[[Outputs, Asked], Seen]


@dataclass(frozen=True)
class Kind:
    """One kind of request.

    Args:
        name: As mix files and reports have it.
        make: Makes the request with some numbers, a row each, that asks for so many products.
        judge: Reads and checks its answer.
        needs: Fields of the material that must not be empty.
        writes: Whether it changes the catalogue; its rate is given apart then.
    """

    name: str
    make: Callable[[Material, Sequence[int], int], Asked]
    judge: Judge
    needs: tuple[str, ...] = ()
    writes: bool = False
