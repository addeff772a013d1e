"""What the served path is asked: texts and photos of the sample, under filters, for few products and for many."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks.queries import photo_queries, text_queries

KS = (10, 1, 100)
RANK = "similarity - 0.001 * fill(price, 0)"
# Every so manyth question asks for a business score.
RANKED = 7

Filter = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """One search.

    Args:
        text: What is typed; None for a photo.
        image: The photo as JPEG; None for a text.
        k: How many products are wanted.
        filter: Which may be found; None for all.
        rank: The business score; None for the similarity.
    """

    text: bytes | None
    image: bytes | None
    k: int
    filter: Filter | None
    rank: str | None = None

    def __str__(self) -> str:
        """For people."""
        what = "a photo" if self.text is None else repr(self.text.decode("utf-8", "replace"))
        return f"{what}, k {self.k}, filter {json.dumps(self.filter)}, rank {self.rank}"


def questions(sample: Path, count: int) -> list[Question]:
    """Texts and photos in turn, each with the next filter and the next number of products.

    Args:
        sample: Folder with ``catalogue.jsonl`` and ``photos``.
        count: How many.
    """
    lines = (sample / "catalogue.jsonl").read_text("utf-8").splitlines()
    filters, ks = cycle(filters_of([json.loads(line) for line in lines])), cycle(KS)
    texts, photos = text_queries(sample), photo_queries(sample)
    made: list[Question] = []
    for number in range(count):
        text, image = (next(texts), None) if number % 2 == 0 else (None, next(photos))
        # A filter is asked with a text and with a photo, and with every number of products.
        where = next(filters) if number % 2 == 0 else made[-1].filter
        made.append(Question(text, image, next(ks), where, RANK if number % RANKED == RANKED - 1 else None))
    return made


def filters_of(products: Sequence[Mapping[str, Any]]) -> list[Filter | None]:
    """None, and filters that let some products of a catalogue pass."""
    prices = [product["price"] for product in products if product.get("price") is not None]
    middle = statistics.median(prices) if prices else 0.0
    paths = [product["category"] for product in products if product.get("category")]
    top = paths[0].split("/")[0] if paths else "none"
    some = [str(product["id"]) for product in islice(products, 0, None, 7)]
    return [
        None,
        {"eq": ["available", True]},
        {"range": ["price", None, middle]},
        {"and": [{"under": ["category", top]}, {"range": ["price", middle, None]}]},
        {"or": [{"in": ["id", some[:50]]}, {"not": {"under": ["category", top]}}]},
    ]
