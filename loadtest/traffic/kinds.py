"""The kinds of requests. This is the place where a kind is added.

A kind is a function from what requests are made of (`Material`) and a number to one `Asked`: the same number gives the
same request. It is entered into `KINDS` under the name that mix files use; checks, locust users, open arrivals and the
report know of it then. What a search does not cover, as a call to another model with an answer of its own, needs a
`Judge` too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from PIL import Image

from clients import BadInput, Patch, Query, messages, writes
from clients.tensors import Call, Outputs
from loadtest.answers import Row, Seen, check_answers, check_written
from loadtest.errors import BadTraffic
from loadtest.traffic.filters import Expression
from loadtest.traffic.photos import vary
from loadtest.traffic.shop import Product
from loadtest.traffic.texts import Told

WEIGHTS = ((0.5, 0.5), (0.7, 0.3), (0.3, 0.7), (1.0, -0.3))
"""How much text and photo count; a negative one means "less like this"."""
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
    """

    texts: tuple[Told, ...]
    titles: tuple[Told, ...] = ()
    pictures: tuple[Image.Image, ...] = ()
    products: tuple[Product, ...] = ()
    filters: tuple[Expression, ...] = ()
    folder: Path = field(default_factory=Path)
    ranks: tuple[str, ...] = RANKS


@dataclass(frozen=True)
class Asked:
    """One request and what is known of its answer.

    Args:
        kind: Name of its kind.
        call: The request.
        rows: What is known, a row each; of a search.
        written: Ids of the products that it writes.
    """

    kind: str
    call: Call[Any]
    rows: tuple[Row, ...] = ()
    written: tuple[str, ...] = ()


Make = Callable[[Material, int], tuple[Query, tuple[str, ...]]]
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


def judge_search(outputs: Outputs, asked: Asked) -> Seen:
    """Read and check the answer to a search."""
    return check_answers(messages.read_answers(outputs), asked.rows)


def judge_write(outputs: Outputs, asked: Asked) -> Seen:
    """Read and check the answer to a write."""
    return check_written(writes.read_written(outputs), asked.written)


def search_kind(name: str, one: Make, *needs: str) -> Kind:
    """A kind of search: ``one`` makes the query of a number, and names its right products where they are known."""

    def make(material: Material, numbers: Sequence[int], k: int) -> Asked:
        made = [one(material, number) for number in numbers]
        queries = [Query(q.text, q.image, q.weights, k, q.filter, None, q.rank) for q, _ in made]
        rows = tuple(
            Row(k, q.filter if isinstance(q.filter, Mapping) else None, known)
            for q, (_, known) in zip(queries, made, strict=True)
        )
        return Asked(name, messages.search(queries), rows)

    return Kind(name, make, judge_search, needs)


def told_at(texts: Sequence[Told], number: int) -> Told:
    """Text number ``number``; beyond their count a number is added, and nobody knows what it means."""
    again, place = divmod(number, len(texts))
    return texts[place] if again == 0 else Told(f"{texts[place].text} {again}")


def photo_at(material: Material, number: int) -> bytes:
    """Photo number ``number``, a JPEG; see `loadtest.traffic.photos`."""
    again, place = divmod(number, len(material.pictures))
    return vary(material.pictures[place], again)


def _text(material: Material, number: int) -> tuple[Query, tuple[str, ...]]:
    told = told_at(material.texts, number)
    return Query(told.text), told.known


def _title(material: Material, number: int) -> tuple[Query, tuple[str, ...]]:
    told = told_at(material.titles, number)
    return Query(told.text), told.known


def _photo(material: Material, number: int) -> tuple[Query, tuple[str, ...]]:
    return Query(image=photo_at(material, number)), ()


def _weighted(material: Material, number: int) -> tuple[Query, tuple[str, ...]]:
    text, image = told_at(material.texts, number).text, photo_at(material, number)
    return Query(text, image, WEIGHTS[number % len(WEIGHTS)]), ()


def _filtered(material: Material, number: int) -> tuple[Query, tuple[str, ...]]:
    expression = material.filters[number % len(material.filters)]
    return Query(told_at(material.texts, number).text, filter=expression), ()


def _ranked(material: Material, number: int) -> tuple[Query, tuple[str, ...]]:
    return Query(told_at(material.texts, number).text, rank=material.ranks[number % len(material.ranks)]), ()


def _upsert(material: Material, numbers: Sequence[int], k: int) -> Asked:
    """Products put into the catalogue as they are in the file, so that the shop stays what it was."""
    del k
    products = [material.products[number % len(material.products)] for number in numbers]
    try:
        call = writes.upsert(
            [(one.to_dict(), None if not one.image else material.folder / one.image) for one in products]
        )
    except BadInput as error:
        raise BadTraffic(f"catalogue: a product to write has a picture that is not there: {error}") from None
    return Asked("upsert", call, written=tuple(one.id for one in products))


def _patch(material: Material, numbers: Sequence[int], k: int) -> Asked:
    """The file's own prices, so that the shop stays what it was."""
    del k
    products = [material.products[number % len(material.products)] for number in numbers]
    return Asked(
        "patch", writes.patch([Patch(one.id, one.price) for one in products]), written=tuple(one.id for one in products)
    )


KINDS: Mapping[str, Kind] = MappingProxyType({
    kind.name: kind
    for kind in (
        search_kind("text", _text, "texts"),
        search_kind("title", _title, "titles"),
        search_kind("photo", _photo, "pictures"),
        search_kind("weighted", _weighted, "texts", "pictures"),
        search_kind("filtered", _filtered, "texts", "filters"),
        search_kind("ranked", _ranked, "texts", "ranks"),
        Kind("upsert", _upsert, judge_write, ("products",), writes=True),
        Kind("patch", _patch, judge_write, ("products",), writes=True),
    )
})  # fmt: skip


def shuffled(count: int, seed: int) -> list[int]:
    """Numbers below ``count`` in an order by chance: what is popular is not what stands first in a file."""
    numbers = list(range(count))
    random.Random(seed).shuffle(numbers)  # noqa: S311 - the same order every time
    return numbers
