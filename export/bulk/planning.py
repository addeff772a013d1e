"""Cuts a catalogue into shards, and the work that is left of each into parts that one worker embeds at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

from catalogue import BadRow, BadRows, UnreadableCatalogue
from catalogue.errors import shown
from ensemble.errors import InvalidInput
from ensemble.product import product_text
from ensemble.settings import ProductSettings, TextSettings
from ensemble.text import clean_text
from export.bulk.items import Item, Source
from export.errors import BadSource

PART = pa.schema(
    [
        ("shard", pa.int32()),
        ("place", pa.int32()),
        ("row", pa.int64()),
        ("product", pa.string()),
        ("picture", pa.binary()),
    ]
)


@dataclass(frozen=True)
class Plan:
    """A shard to be.

    Args:
        number: Its place among the shards, from 0.
        items: Its products.
        problems: Its rows that are no products.
    """

    number: int
    items: tuple[Item, ...]
    problems: tuple[BadRow, ...]


@dataclass(frozen=True)
class Survey:
    """What a catalogue holds, before the long work begins.

    Args:
        products: How many can perhaps be embedded.
        problems: Of rows and texts; pictures are looked at when they are embedded.
    """

    products: int
    problems: tuple[BadRow, ...]


def survey(source: Source, text: TextSettings, product: ProductSettings) -> Survey:
    """Read the catalogue once, so that what is wrong with its rows and texts is known at once.

    Raises:
        CatalogueError: It cannot be read, or holds no product that can be used.
        BadSource: No product has a field that is to make its text.
    """
    problems: list[BadRow] = []
    known = {"title", "category"}
    count = 0
    for made in source.items():
        if not isinstance(made, Item):
            problems += made
            continue
        known |= made.product.attributes.keys()
        count += 1
        problems += _text_problems(made, text, product)
    if not count:
        raise UnreadableCatalogue(f"{source.location}: holds no product; {len(problems):,} problem(s) in its rows")
    unknown = [name for name in product.text if name not in known]
    if unknown:
        raise BadSource(f"texts of the release are made of {unknown}: no product has them; is it the same catalogue?")
    return Survey(count, tuple(problems))


def refuse(source: Source, problems: Sequence[BadRow], *, skip_bad_rows: bool) -> None:
    """Tell all bad rows at once, where they are not to be skipped.

    Raises:
        BadRows: Lists every problem.
    """
    if problems and not skip_bad_rows:
        raise BadRows(source.location, sorted(problems, key=lambda problem: problem.row))


def cut(items: Iterable[Item | list[BadRow]], shard_rows: int) -> Iterator[Plan]:
    """Shards of so many rows each; a row that is no product keeps its place, so that mending it moves no other."""
    rows = iter(items)
    number = 0
    while taken := list(islice(rows, shard_rows)):
        problems = [problem for one in taken if not isinstance(one, Item) for problem in one]
        yield Plan(number, tuple(one for one in taken if isinstance(one, Item)), tuple(problems))
        number += 1


def parts(
    plan: Plan, places: Sequence[int], pictures: dict[int, bytes], batch: int, text: ProductSettings
) -> list[Any]:
    """Tables of ``PART``, each of at most ``batch`` products of like length, since texts are padded to their longest.

    Args:
        plan: The shard.
        places: Which of its products are to be embedded.
        pictures: Those that came with their products, by the place.
        batch: Most products a part.
        text: Which fields make a text.
    """
    documents = {at: plan.items[at].product.as_dict() for at in places}
    order = sorted(places, key=lambda at: (len(product_text(documents[at], text)), at))
    made = []
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        columns = (
            [plan.number] * len(chosen),
            chosen,
            [plan.items[at].row for at in chosen],
            [json.dumps(documents[at], ensure_ascii=False) for at in chosen],
            [pictures.get(at) for at in chosen],
        )
        arrays = [pa.array(values, field.type) for values, field in zip(columns, PART, strict=True)]
        made.append(pa.Table.from_arrays(arrays, schema=PART))
    return made


def _text_problems(item: Item, text: TextSettings, product: ProductSettings) -> list[BadRow]:
    try:
        clean_text(product_text(item.product.as_dict(), product), text)
    except InvalidInput as error:
        return [BadRow(item.row, "text", shown(item.product.title), error.problem)]
    return []
